/**
 * Names in a script that is read from right to left, in sentences that are read from left to right: each is isolated from
 * what stands around it, or digits and punctuation beside it change places. Pages use `<bdi>` where there is markup; these
 * do the same in plain text, with U+2068 and U+2069, and leave every other text as it is.
 */
const rightToLeft =
	/[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;

export const isolate = (text: string): string => (rightToLeft.test(text) ? `\u2068${text}\u2069` : text);

/** As a template: sentence`Remove ${name}?` isolates what is put in. */
export const sentence = (parts: TemplateStringsArray, ...values: (string | number)[]): string =>
	String.raw({ raw: parts }, ...values.map((value) => isolate(String(value))));

/** For what is searched and compared by others, such as an export. */
export const withoutIsolates = (text: string): string => text.replace(/[\u2068\u2069]/g, '');
