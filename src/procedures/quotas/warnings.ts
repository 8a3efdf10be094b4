import { sayDay } from '#lib/dates.ts';
import { sayNumber } from '#lib/numbers.ts';
import type { ProductHead } from '#lib/products.ts';
import { percentOf, warnedAt } from '#lib/quotas.ts';
import { fullName } from '#lib/views.ts';
import { lockOrganization } from '../../api/grants.ts';
import { system, type WritingContext } from '../../api/trpc.ts';
import type { Db, Trx } from '../../database/database.ts';
import { transact } from '../../database/transaction.ts';
import { publish } from '../../news/publish.ts';
import { getApplication, headOf } from '../applications/applications.ts';
import { listMembers } from '../../people/members.ts';
import { thisMonth, type Limit, type Share } from './shares.ts';

type Parts = { db: Db; report: (error: unknown) => void } & Omit<
	WritingContext,
	'db' | 'actor' | 'organization'
>;

const levelOf = (taken: number, most: number) =>
	warnedAt.findLast((percent) => percentOf(taken, most) >= percent) ?? 0;

/** Tells people, once a month for each of {@link warnedAt}, that a month's requests come to their end. */
export function createWarnings(parts: Parts) {
	/** What is being told, so that a busy process doesn't begin again and again. */
	const telling = new Map<string, Promise<void>>();
	return {
		warn({ subject, most }: Limit, { taken, told, endsAt }: Share): void {
			const level = levelOf(taken ?? 0, most);
			if (level <= (told ?? 0)) return;
			const key = `${subject} ${endsAt} ${level}`;
			if (telling.has(key)) return;
			const one = transact(parts.db, (db) => tell({ ...parts, db, actor: system }, subject, most))
				.catch(parts.report)
				.finally(() => telling.delete(key));
			telling.set(key, one);
		},
		async stop(): Promise<void> {
			await Promise.all(telling.values());
		}
	};
}

interface Subject {
	id: string;
	organizationId: string;
	credential: { id: string; label: string; lastFour: string } | null;
	product?: ProductHead;
}

/** Whose limit it is: a credential's, that of all credentials of an application, or that of its plan for a product. */
async function findSubject(db: Trx, subject: string): Promise<Subject | undefined> {
	const credential = await db
		.selectFrom('credential')
		.innerJoin('application', 'application.id', 'credential.applicationId')
		.select(['application.id', 'organizationId', 'credential.label', 'credential.lastFour'])
		.where('credential.id', '=', subject)
		.executeTakeFirst();
	if (credential) {
		const { label, lastFour, ...application } = credential;
		return { ...application, credential: { id: subject, label, lastFour } };
	}
	const access = await db
		.selectFrom('access')
		.innerJoin('product', 'product.id', 'access.productId')
		.select(['applicationId', 'organizationId', 'product.id', 'product.slug', 'product.name'])
		.where('access.id', '=', subject)
		.executeTakeFirst();
	if (access) {
		const { applicationId, organizationId, ...product } = access;
		return { id: applicationId, organizationId, credential: null, product };
	}
	const application = await db
		.selectFrom('application')
		.select(['id', 'organizationId'])
		.where('id', '=', subject)
		.executeTakeFirst();
	return application && { ...application, credential: null };
}

/** As a sentence of an e-mail begins. */
function sayWhose({ credential, product }: Subject): string {
	if (credential) return `The credential “${credential.label}” (…${credential.lastFour}) of the application`;
	return product ? `With the API ${product.name}, the application` : 'The application';
}

async function tell(ctx: WritingContext, subject: string, most: number): Promise<void> {
	const { db } = ctx;
	const found = await findSubject(db, subject);
	if (!found) return;
	const organization = await lockOrganization(db, found.organizationId);
	if (!organization) return;
	const month = await db
		.selectFrom('quotaMonth')
		.select(['beganAt', 'taken', 'told', 'toldMost'])
		.where('subject', '=', subject)
		.where('beganAt', '=', thisMonth)
		.forUpdate()
		.executeTakeFirst();
	const level = levelOf(month?.taken ?? 0, most);
	// Told by another process, or given back in the meantime.
	if (!month || level <= (month.toldMost < most ? 0 : month.told)) return;
	await db
		.updateTable('quotaMonth')
		.set({ told: level, toldMost: most })
		.where('subject', '=', subject)
		.where('beganAt', '=', month.beganAt)
		.execute();
	const application = headOf(await getApplication(db, organization.id, found.id));
	const next = new Date(month.beganAt);
	next.setUTCMonth(next.getUTCMonth() + 1);
	const { credential, product } = found;
	const within = product ? ` with ${product.name}` : '';
	const others = product ? '; what it does with other APIs goes on' : '';
	const members = (await listMembers(db, organization.id)).filter(({ role }) => role === 'super_admin');
	await ctx.outbox.enqueueMany(
		db,
		'limit-near',
		members.map((member) => ({
			to: { name: fullName(member), address: member.email },
			props: {
				organizationName: organization.name,
				firstName: member.firstName,
				applicationName: application.name,
				share: level === 100 ? 'all' : `${level} %`,
				subject: sayWhose(found),
				most: sayNumber(most),
				beginsAnew: sayDay(next),
				requests: `requests${within}`,
				consequence:
					level === 100
						? `Until then, more requests${within} are refused${others}.`
						: `Once all are used, more${within && ` requests${within}`} are refused until then${others}.`,
				applicationUrl: `${ctx.config.ORIGIN}/orgs/${organization.slug}/applications/${application.id}`
			}
		}))
	);
	await publish({ ...ctx, organization }, 'application.neared', {
		application,
		credential,
		product,
		percent: level,
		most
	});
}
