/** Where a form was refused: the first field with words at it comes into view and has the focus. */

/** Forms that were sent, until they are answered or somebody types on: whoever types keeps the focus. */
const sent = new WeakSet<HTMLFormElement>();

/** Says that a form waits for an answer; what is submitted says so by itself. */
export const expectAnswer = (form: HTMLFormElement) => sent.add(form);

if ('document' in globalThis) {
	document.addEventListener('submit', ({ target }) => void sent.add(target as HTMLFormElement), true);
	document.addEventListener(
		'input',
		({ target }) => {
			const form = target instanceof Element && target.closest('form');
			if (form) sent.delete(form);
		},
		true
	);
}

/** Called by each field that has words at it, in an effect. Of several the first in the form is meant. */
export function showRefused(field: Element | null) {
	const form = field?.closest('form');
	if (!form || !sent.has(form)) return;
	// When all of them have their words.
	queueMicrotask(() => {
		if (!sent.delete(form)) return;
		const first = form.querySelector<HTMLElement>('[aria-invalid="true"]');
		first?.focus({ preventScroll: true });
		first?.scrollIntoView({ block: 'center' });
	});
}
