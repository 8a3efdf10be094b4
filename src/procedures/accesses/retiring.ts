import { sql, type SqlBool } from 'kysely';
import type { Logger } from 'pino';
import { sayRetirement, type ProductAccess, type Retirement } from '#lib/products.ts';
import { fullName } from '#lib/views.ts';
import { system, type WritingContext } from '../../api/trpc.ts';
import { isoOf, type Db, type Trx } from '../../database/database.ts';
import { publishMany } from '../../news/publish.ts';
import { listMembers } from '../../people/members.ts';
import { retirementKey } from '../products/views.ts';
import { lockOrganization } from '../../api/grants.ts';
import { tellEach } from '../../people/teams.ts';
import { isAccessInForce } from '../products/visibility.ts';
import { accessViewOf, selectAccesses } from '../products/accesses.ts';

/**
 * Tells the teams that have access to a product that it is going to be retired, that it is, or that it stays after all: one
 * organization after the other, each in a transaction of its own, so that nobody waits for thousands of them. What was told
 * stands at each access: whoever begins again goes on where it was broken off.
 */

type Parts = { db: Db; log: Logger } & Pick<WritingContext, 'config' | 'outbox'>;

const isUntold = sql<SqlBool>`access.retirement_told <> ${retirementKey}`;

const selectUntold = (db: Db, productId: string) =>
	db
		.selectFrom('access')
		.innerJoin('product', 'product.id', 'access.productId')
		.where('access.productId', '=', productId)
		.where(isAccessInForce)
		.where(isUntold);

/** @throws {Error} when some could not be told; the others were. */
export async function tellRetirements({ log, ...parts }: Parts): Promise<void> {
	let failed = 0;
	const { db } = parts;
	const products = await db
		.selectFrom('product')
		.select(['id', 'changedBy'])
		.where('isTelling', '=', true)
		.execute();
	for (const { id, changedBy } of products) {
		const actor = changedBy ?? system;
		const missed = await tellEach(
			db,
			(after, most) =>
				selectUntold(db, id)
					.select('access.organizationId')
					.distinct()
					.where('access.organizationId', '>', after)
					.orderBy('access.organizationId')
					.limit(most)
					.execute(),
			[(trx, organizationId) => tell({ ...parts, db: trx, actor }, id, organizationId)],
			(error) => log.error({ err: error, productId: id }, 'the end of an API product could not be told')
		);
		failed += missed;
		// Unless it has been changed once more meanwhile.
		if (missed === 0)
			await db
				.updateTable('product')
				.set({ isTelling: false })
				.where('id', '=', id)
				.where((eb) => eb.not(eb.exists(selectUntold(db, id).select('access.id'))))
				.execute();
	}
	if (failed > 0) throw new Error(`${failed} organizations could not be told of the end of an API product`);
}

async function tell(ctx: WritingContext, productId: string, organizationId: string): Promise<void> {
	const { db } = ctx;
	const organization = await lockOrganization(db, organizationId);
	if (!organization) return;
	const accesses = await listUntold(db, productId, organizationId);
	const [first] = accesses;
	// Another process has told it, or nothing is in force by now.
	if (!first) return;
	const retirement = await takeNews(db, productId, organizationId);
	const news = sayRetirement(retirement);
	const props = {
		organizationName: organization.name,
		productName: first.product.name,
		news,
		consequence: consequences[retirement.is],
		applications: accesses.map(({ applicationName }) => applicationName).join('\n'),
		applicationsUrl: `${ctx.config.ORIGIN}/orgs/${organization.slug}/applications`
	};
	const readers = (await listMembers(db, organizationId)).map((member) => ({
		to: { name: fullName(member), address: member.email },
		props: { ...props, firstName: member.firstName }
	}));
	await ctx.outbox.enqueueMany(db, 'product-retiring', readers);
	await publishMany(
		{ ...ctx, organization },
		'access.retiring',
		accesses.map((access) => ({ access, retirement }))
	);
}

const consequences: Record<Retirement['is'], string> = {
	announced: 'From then on nobody new gets it. What has access keeps it until the provider ends it.',
	retired: 'Nobody new gets it. What has access keeps it until the provider ends it.',
	kept: 'What was announced of its end does not hold any more.'
};

/** Notes what there is to tell as told, and returns it. */
async function takeNews(db: Trx, productId: string, organizationId: string): Promise<Retirement> {
	await db
		.updateTable('access')
		.from('product')
		.set({ retirementTold: retirementKey })
		.whereRef('product.id', '=', 'access.productId')
		.where('access.productId', '=', productId)
		.where('access.organizationId', '=', organizationId)
		.execute();
	const { status, retiresAt } = await db
		.selectFrom('product')
		.select(['status', 'retiresAt'])
		.where('id', '=', productId)
		.executeTakeFirstOrThrow();
	if (status === 'retired') return { is: 'retired', at: null };
	return retiresAt ? { is: 'announced', at: isoOf(retiresAt) } : { is: 'kept', at: null };
}

async function listUntold(db: Trx, productId: string, organizationId: string): Promise<ProductAccess[]> {
	const pairs = selectUntold(db, productId)
		.select(['access.applicationId', 'access.productId'])
		.where('access.organizationId', '=', organizationId);
	const rows = await selectAccesses(db, pairs)
		.orderBy('application.createdAt')
		.orderBy('application.id')
		.execute();
	return rows.map(accessViewOf);
}
