import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { password, refusal, getPortal, uniqueEmail, type Portal } from './factories.ts';
import { getRecipients } from './smtp.ts';

let portal: Portal;
beforeAll(async () => {
	portal = await getPortal();
});
afterAll(() => portal.stop());

const flat = (text: string | undefined) => (text ?? '').replace(/\s+/g, ' ');

/** A grey picture. */
function png(width: number, height: number): string {
	const chunk = (type: string, data: Buffer) => {
		const named = Buffer.concat([Buffer.from(type), data]);
		const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
		length.writeUInt32BE(data.length);
		sum.writeUInt32BE(crc32(named));
		return Buffer.concat([length, named, sum]);
	};
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head[8] = 8;
	const rows = deflateSync(Buffer.alloc((width + 1) * height, 0x80));
	const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
	const whole = [signature, chunk('IHDR', head), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))];
	return Buffer.concat(whole).toString('base64');
}

test('the look is in every message: logo inside it, colour and footer', async () => {
	const logo = `data:image/png;base64,${png(300, 60)}`;
	const { api } = portal.admin;
	const { html } = await api.emails.previewBrand.mutate({ accentColor: '#b91c1c', logo });
	expect(html).toContain('#b91c1c');
	expect(html).toContain(`src="${logo}"`);
	expect((await api.emails.getBrand.query({})).brand).toEqual({
		accentColor: '#4f46e5',
		footer: '',
		logo: null
	});
	const footer = 'Acme <Ltd>\nHigh Street 1';
	await api.emails.updateBrand.mutate({ accentColor: '#B91C1C', logo, footer });
	const email = uniqueEmail();
	await portal
		.visitor()
		.api.accounts.register.mutate({ firstName: 'New', lastName: 'Comer', email, password });
	const mail = await portal.smtp.waitFor((one) => getRecipients(one).includes(email));
	expect(mail.html).toContain('#b91c1c');
	expect(mail.html).toContain('<bdi>Acme &lt;Ltd&gt;</bdi><br /><bdi>High Street 1</bdi>');
	expect(flat(mail.text)).toContain('Acme <Ltd> High Street 1');
	expect(mail.attachments).toHaveLength(1);
	expect(mail.attachments[0]).toMatchObject({ contentType: 'image/png', cid: 'logo@portico', related: true });
	expect(mail.attachments[0]?.content.toString('base64')).toBe(png(300, 60));
	expect(await api.emails.updateBrand.mutate({ logo: null, footer: '' })).toMatchObject({ logo: null });
});

test('a look that can’t be read or shown is refused at its field', async () => {
	const dataUrl = (type: string, bytes: Buffer) => `data:image/${type};base64,${bytes.toString('base64')}`;
	const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script/></svg>');
	const wrong = [
		[{ accentColor: '#ffcc00' }, 'accentColor', /contrast of 1\.5 to 1/],
		[{ accentColor: 'red;}' }, 'accentColor', /six digits/],
		[{ footer: 'Go to https://evil.example' }, 'footer', /web address/],
		[{ logo: dataUrl('svg+xml', svg) }, 'logo', /PNG or JPEG/],
		[{ logo: dataUrl('png', svg) }, 'logo', /PNG or JPEG/],
		[{ logo: dataUrl('png', Buffer.from('GIF89a\x10\0\x10\0')) }, 'logo', /PNG or JPEG/],
		[{ logo: 'https://evil.example/logo.png' }, 'logo', /PNG or JPEG/],
		[{ logo: dataUrl('png', Buffer.from(png(4, 4), 'base64')) }, 'logo', /8 to 3000/],
		[
			{ logo: dataUrl('png', Buffer.concat([Buffer.from(png(16, 16), 'base64'), Buffer.alloc(100_000)])) },
			'logo',
			/100 kB/
		]
	] as const;
	const { api } = portal.admin;
	const before = (await api.emails.getBrand.query({})).brand;
	for (const [change, field, message] of wrong) {
		const refused = await refusal(api.emails.updateBrand.mutate(change));
		expect(refused.status, field).toBe(400);
		expect(refused.fields[field]).toMatch(message);
	}
	expect((await api.emails.getBrand.query({})).brand).toEqual(before);
});
