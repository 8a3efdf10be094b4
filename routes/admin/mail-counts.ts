import { createContext } from 'svelte';

export interface MailCounts {
	queued: number;
	failed: number;
	oldestQueuedAt: string | null;
}

/** What may need a hand in the mailbox, kept up to date by the layout of `/admin`. */
export const [getMailCounts, setMailCounts] = createContext<() => MailCounts>();
