/** The words that belong to no field that the page shows. */
export function generalMessage(
	form: { message: string; fields: Record<string, string> } | null | undefined,
	shown: readonly string[]
): string | null {
	if (!form) return null;
	return shown.some((name) => form.fields[name]) ? null : form.message;
}
