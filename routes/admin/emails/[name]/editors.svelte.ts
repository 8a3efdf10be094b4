import { live } from '#lib/browser/live.svelte.ts';
import type { EmailEditor } from '#lib/views.ts';
import { api } from '../../../api.ts';

/** How often an open page says that it is there; the server forgets it after 40 seconds. */
const every = 15_000;

/** Who else has the editor of this e-mail open, while the returned function has not been called. */
export function attend(name: string, pageId: string, onothers: (others: EmailEditor[]) => void): () => void {
	const say = (isHere: boolean) =>
		api.emails.attend.mutate({ name, pageId, isHere }).then(
			(editors) => live.setEditors(name, editors),
			// Who can't say so now says so in some seconds.
			() => undefined
		);
	void say(true);
	const timer = setInterval(() => void say(true), every);
	// A page that is closed has no time left for an answer.
	const leave = () => {
		const body = JSON.stringify({ name, pageId, isHere: false });
		navigator.sendBeacon('/trpc/emails.attend', new Blob([body], { type: 'application/json' }));
	};
	window.addEventListener('pagehide', leave);
	const stop = $effect.root(() => {
		$effect(() => onothers(live.editors(name).filter((one) => one.pageId !== pageId)));
	});
	return () => {
		clearInterval(timer);
		window.removeEventListener('pagehide', leave);
		stop();
		void say(false);
	};
}
