import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeProduct, small } from './documents.ts';
import { getPortal, type Portal } from './factories.ts';

/** Reading megabytes takes seconds of a processor, which may not be those of everybody else. */

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

test('others are answered while a long document is read', async () => {
	const [fresh, other] = [await makeProduct(portal), await makeProduct(portal)];
	const paths = Array.from({ length: 8_000 }, (_, index) => `  /p${index}: { x-a: [1, 2, 3] }`);
	let isRead = false;
	const text = small.replace(/paths:[^]*/, `paths:\n${paths.join('\n')}\n`);
	const reading = portal.admin.api.documents.upload
		.mutate({ productId: fresh.id, text, fileName: 'openapi.yaml' })
		.finally(() => (isRead = true));
	// Also the one who uploads, whose changes else go one by one.
	await portal.admin.api.products.update.mutate({ productId: other.id, name: other.name });
	await makeProduct(portal);
	expect(isRead).toBe(false);
	let answers = 0;
	while (!isRead) {
		await (await fetch(`${portal.server.origin}/healthz`)).text();
		answers += 1;
	}
	expect((await reading).version.number).toBe(1);
	// Were it read in between, there would be one or two.
	expect(answers).toBeGreaterThan(20);
});
