import type { EventName, Payload } from '#lib/events.ts';
import { publish, signal } from '../../news/publish.ts';

type OfProducts = Extract<EventName, `product.${string}` | `plan.${string}`>;

let tellTeams = () => {};

/** Has a process tell the teams whom a change concerns as soon as it is committed there; without one, the tidying does within a minute. */
export function tellTeamsBy(run: () => void): () => void {
	tellTeams = run;
	return () => void (tellTeams = () => {});
}
export const tellTeamsSoon = () => tellTeams();

/**
 * Publishes what has happened to a product or a plan, and has every open page hear that something has: which product it is
 * stands in the event, which portal admins alone hear. As `publish`, it comes last.
 */
export async function publishProduct<Name extends OfProducts>(
	ctx: Parameters<typeof publish>[0],
	name: Name,
	payload: Payload<Name>
): Promise<void> {
	await publish(ctx, name, payload);
	await signal(ctx.db, { kind: 'products' });
}
