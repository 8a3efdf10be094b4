import { refusalOf } from '../api.ts';
import { generalMessage } from '../enhance.ts';

/** One form of the page: whether it is under way, and the words of a refusal where they belong. */
export class Submission {
	isBusy = $state(false);
	isDone = $state(false);
	fields = $state.raw<Record<string, string>>({});
	/** The words that belong to none of the fields. */
	message = $state<string | null>(null);
	readonly #names: readonly string[];

	/** @param names of the fields that the form shows. */
	constructor(...names: string[]) {
		this.#names = names;
	}

	/** Whether it went through. */
	async run(act: () => Promise<unknown>): Promise<boolean> {
		this.isBusy = true;
		this.isDone = false;
		this.fields = {};
		this.message = null;
		try {
			await act();
			this.isDone = true;
		} catch (error) {
			const refusal = refusalOf(error);
			this.fields = refusal.fields;
			this.message = generalMessage(refusal, this.#names);
		}
		this.isBusy = false;
		return this.isDone;
	}
}
