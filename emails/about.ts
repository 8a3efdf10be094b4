import { z } from 'zod';
import type { Topic } from '#lib/topics.ts';
import { catalogue, isEmailName, type EmailName } from './catalogue.ts';
import type { EmailEntry } from './email.ts';
import { everywhere } from './variables.ts';

/** What the e-mail's entry says of every e-mail, whatever its variables are. */
const entryOf = (name: EmailName): EmailEntry => catalogue[name];

export const topicOf = (name: EmailName): Topic | undefined => entryOf(name).topic;

/** Whether somebody waits at the screen for a message of this e-mail. */
export const isAwaited = (name: EmailName): boolean => entryOf(name).isAwaited === true;

export function gatheringOf(name: EmailName) {
	const { gathering } = entryOf(name);
	if (!gathering) return undefined;
	if (!isEmailName(gathering.into)) throw new Error(`${name} becomes ${gathering.into}, which is no e-mail`);
	return { ...gathering, into: gathering.into };
}

/** What a variable of the e-mail means, for whoever writes its text. */
export function meaningOf(name: EmailName, variable: string): string {
	const shape: Readonly<Record<string, z.core.$ZodType>> = catalogue[name].props.shape;
	const schema = shape[variable];
	return everywhere[variable] ?? (schema instanceof z.ZodType ? schema.description : undefined) ?? variable;
}
