import type { Tone } from '#lib/components/Badge.svelte';
import type { MessageState } from '#lib/mail-server.ts';

/** How the state of a message looks. */
export const states: Record<MessageState, { tone: Tone; label: string }> = {
	queued: { tone: 'warn', label: 'Queued' },
	sent: { tone: 'good', label: 'Sent' },
	kept: { tone: 'neutral', label: 'Kept here' },
	failed: { tone: 'danger', label: 'Failed' },
	outdated: { tone: 'neutral', label: 'Outdated' }
};
