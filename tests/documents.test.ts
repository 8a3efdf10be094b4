import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutIsolates } from '#lib/direction.ts';
import { faultsOf, maxDocumentBytes, versionsShown } from '#lib/documents.ts';
import { sayEvent } from '#lib/events.ts';
import { fixture, makeProduct, small, type TestProduct } from './documents.ts';
import { refusal, getPortal, type Portal, type Visitor } from './factories.ts';

/** The OpenAPI documents of products: uploaded, refused, compared, and shown to those who may see the product. */

let portal: Portal;
let product: TestProduct;
beforeAll(async () => {
	portal = await getPortal();
	product = await makeProduct(portal);
});
afterAll(() => portal.stop());

const upload = (text: string, { id: productId }: TestProduct = product, fileName = 'openapi.yaml') =>
	portal.admin.api.documents.upload.mutate({ productId, text, fileName });
const listOf = async ({ id: productId }: TestProduct) =>
	(await portal.admin.api.documents.list.query({ productId })).versions;
const download = (by: Visitor, { slug }: TestProduct, file = 'openapi.yaml', init?: RequestInit) =>
	by.request(`/apis/${slug}/${file}`, init);

test('a document is read, a second says what it changed, the same again is no version, and each is told', async () => {
	const page = await portal.admin.listen();
	await page.hears('news true');
	const { version } = await upload(small);
	expect(version).toMatchObject({
		...{ number: 1, format: 'yaml', specVersion: '3.1.0', title: 'Pets', apiVersion: '1.0', operations: 2 },
		...{ servers: ['https://api.pets.example'], bytes: Buffer.byteLength(small), changes: null },
		uploadedBy: { name: expect.stringMatching(/./) }
	});
	const next = small.replace(/ {4}post: .*\n/, '').replace('"1.0"', '"2.0"');
	const second = await upload(next);
	expect(second).toMatchObject({
		isNew: true,
		version: {
			number: 2,
			changes: { breaking: ['POST /pets was removed.'], removed: [], added: [], more: 0 }
		}
	});
	const again = await upload(next);
	expect([again.isNew, again.version.id]).toEqual([false, second.version.id]);
	// What it was before is a new version: the newest is the one that counts.
	expect((await upload(small)).version).toMatchObject({
		number: 3,
		changes: { breaking: [], added: ['POST /pets is new.'] }
	});
	const told = () =>
		page.events.filter((one) => one.name === 'product.documented' && one.payload.product.id === product.id);
	await page.until(() => told().length === 3, 'three versions');
	expect(told().map((event) => withoutIsolates(sayEvent(event)))).toEqual(
		[1, 2, 3].map((number) => `uploaded version ${number} of the documentation of ${product.name}`)
	);
	expect((await listOf(product)).map(({ number }) => number)).toEqual([3, 2, 1]);
});

test('what is wrong is refused at its lines, and nothing is saved', async () => {
	const before = await listOf(product);
	const wrong = small.replace('All of them', '"<script>alert(1)</script>').replace('title', 'titel');
	const broken = await refusal(upload(wrong));
	expect([broken.status, broken.reason]).toEqual([400, 'INVALID']);
	const unknown = await refusal(upload(small.replace('responses', 'respnses').replace('title', 'titel')));
	expect(unknown.message).toBe('Line 2, column 1: “title” is missing here.');
	expect(faultsOf(unknown.fields)).toEqual([
		{ line: 2, column: 1, message: '“title” is missing here.' },
		{ line: 6, column: 12, message: 'OpenAPI knows no “respnses” here.' }
	]);
	for (const text of ['', 'hello', '<html>', '{"__proto__": {}}', `${small}x-a: &a [*a]`])
		expect(await refusal(upload(text, product, '')), text).toMatchObject({ status: 400, reason: 'INVALID' });
	expect(await refusal(upload('x'.repeat(maxDocumentBytes + 1)))).toMatchObject({ status: 400 });
	expect(await refusal(upload('é'.repeat(maxDocumentBytes - 10)))).toMatchObject({
		message: 'Line 1, column 1: This has more than 5 MB.'
	});
	expect(await listOf(product)).toEqual(before);
	expect(
		await refusal(upload(small, { ...product, id: '00000000-0000-4000-8000-000000000000' }))
	).toMatchObject({
		status: 404
	});
});

test('uploads at once become versions that were each compared with the one before', async () => {
	const fresh = await makeProduct(portal);
	const second = portal.visitor();
	for (const [name, value] of portal.admin.jar) second.jar.set(name, value);
	const texts = ['a', 'b', 'c'].map((path) => small.replace('/pets:', `/${path}:`));
	const results = await Promise.allSettled(
		texts.map((text) =>
			second.api.documents.upload.mutate({ productId: fresh.id, text, fileName: 'openapi.yaml' })
		)
	);
	const versions = await listOf(fresh);
	expect(versions.length).toBe(results.filter(({ status }) => status === 'fulfilled').length);
	expect(versions.map(({ number }) => number)).toEqual(versions.map((_, index) => versions.length - index));
	for (const { number, changes } of versions) expect(changes === null, String(number)).toBe(number === 1);
});

test('versions are listed by the page', async () => {
	const fresh = await makeProduct(portal);
	await upload(small, fresh);
	await portal.inDatabase((db) =>
		db
			.insertInto('productDocument')
			.columns([
				'productId',
				'number',
				'content',
				'format',
				'specVersion',
				'title',
				'apiVersion',
				'uploadedBy'
			])
			.expression((eb) =>
				eb
					.selectFrom('productDocument')
					.innerJoin(
						({ fn, lit }) =>
							fn<{ number: number }>('generate_series', [lit(2), lit(versionsShown + 3)]).as('series'),
						(join) => join.onTrue()
					)
					.select(['productId', ({ ref }) => ref('series' as never).as('number'), 'content', 'format'])
					.select(['specVersion', 'title', 'apiVersion', 'uploadedBy'])
					.where('productId', '=', fresh.id)
			)
			.execute()
	);
	const { documents } = portal.visitor().api;
	const first = await documents.get.query({ slug: fresh.slug });
	expect([first.newest.number, first.versions.length, first.next]).toEqual([
		versionsShown + 3,
		versionsShown,
		4
	]);
	const rest = await documents.get.query({ slug: fresh.slug, before: first.next ?? 0 });
	expect([rest.versions.map(({ number }) => number), rest.next]).toEqual([[3, 2, 1], null]);
});

test('documents are there for those who may see the product, and for nobody else', async () => {
	const chosen = await portal.company({ admin: portal.admin });
	const [stranger, signedOut] = [await portal.person(), portal.visitor()];
	const everyone = await makeProduct(portal);
	const developers = await makeProduct(portal, { visibility: 'developers' });
	const theirs = await makeProduct(portal, { visibility: 'organizations', companies: [chosen] });
	const draft = await makeProduct(portal, { status: 'draft' });
	const empty = await makeProduct(portal);
	for (const one of [everyone, developers, theirs, draft]) await upload(small, one);
	const seen = async (by: Visitor, one: TestProduct) => {
		const asked = by.api.documents.get.query({ slug: one.slug });
		const answer = await asked.then(
			() => 200,
			async () => (await refusal(asked)).status
		);
		const files = ['openapi.yaml', 'openapi.yaml?version=1'].map((file) => download(by, one, file));
		return [answer, ...(await Promise.all(files)).map(({ status }) => status)];
	};
	const [yes, no] = [
		[200, 200, 200],
		[404, 404, 404]
	];
	for (const [by, answers] of [
		[signedOut, [yes, no, no, no]],
		[stranger, [yes, yes, no, no]],
		[chosen.owner, [yes, yes, yes, no]],
		[portal.admin, [yes, yes, yes, yes]]
	] as const)
		for (const [index, one] of [everyone, developers, theirs, draft].entries())
			expect(await seen(by, one), `${one.name}, ${index}`).toEqual(answers[index]);
	expect(await seen(portal.admin, empty)).toEqual(no);
	expect(await refusal(stranger.api.documents.list.query({ productId: everyone.id }))).toMatchObject({
		status: 403
	});
	// Who wrote it is the provider's affair.
	const { newest } = await signedOut.api.documents.get.query({ slug: everyone.slug });
	expect(JSON.stringify(newest)).not.toContain('uploadedBy');
});

test('a download is a file that runs nothing, is the version that was asked for, and is sent once', async () => {
	const fresh = await makeProduct(portal);
	await upload(small, fresh);
	const galaxy = fixture('galaxy-3.1.yaml');
	await upload(galaxy, fresh);
	const by = portal.visitor();
	const newest = await download(by, fresh);
	expect(await newest.text()).toBe(galaxy);
	const { headers } = newest;
	expect(Object.fromEntries(headers)).toMatchObject({
		'content-type': 'application/yaml; charset=utf-8',
		'content-disposition': `attachment; filename="${fresh.slug}-2.yaml"`,
		'x-content-type-options': 'nosniff',
		'content-security-policy': "default-src 'none'; sandbox",
		'cache-control': 'private, no-cache'
	});
	expect(await (await download(by, fresh, 'openapi.yaml?version=1')).text()).toBe(small);
	const etag = headers.get('etag') ?? '';
	const known = await download(by, fresh, 'openapi.yaml', { headers: { 'if-none-match': etag } });
	expect([known.status, await known.text()]).toEqual([304, '']);
	// Who may no longer see it gets no 304 either.
	await portal.inDatabase((db) =>
		db.updateTable('product').set({ status: 'draft' }).where('id', '=', fresh.id).execute()
	);
	const hidden = await download(by, fresh, 'openapi.yaml', { headers: { 'if-none-match': etag } });
	expect(hidden.status).toBe(404);
	for (const file of [
		'openapi.json',
		'openapi.yaml?version=3',
		'openapi.yaml?version=0',
		'openapi.yaml?version=x'
	])
		expect((await download(portal.admin, fresh, file)).status, file).toBe(404);
});
