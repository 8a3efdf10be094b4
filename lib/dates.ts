/** Times in words, where nobody knows the reader's zone: of UTC. A time that stands alone on a page is Time.svelte's. */

/** “1 December 2026”. */
export const sayDay = (at: Date | string | number) =>
	new Date(at).toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** “Tue, 01 Dec 2026 09:00 UTC”, in e-mails. */
export const sayMoment = (at: Date | string) => `${new Date(at).toUTCString().slice(0, 22)} UTC`;

/** “2026-12-01 09:00 UTC”, of what is written in ISO 8601. */
export const sayMinute = (at: string) => `${at.slice(0, 16).replace('T', ' ')} UTC`;

/** For how long to wait: “5 minutes”, “3 hours”. */
export function waitInWords(seconds: number): string {
	const minutes = Math.max(1, Math.ceil(seconds / 60));
	if (minutes > 90) return `${Math.ceil(minutes / 60)} hours`;
	return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
