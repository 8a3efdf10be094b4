import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { gatheringOf, meaningOf } from '../emails/about.ts';
import { catalogue, type EmailName } from '../emails/catalogue.ts';
import { getBuiltIn, renderEmail, renderSubject, showAttachments } from '../src/mail/compose.ts';
import { composeSource, toAddress } from '../src/mail/smtp.ts';
import { checkTemplate } from '../src/mail/templates.ts';

const portal = {
	name: 'Acme <Developers> & "Friends"',
	origin: 'https://portal.example.com',
	supportEmail: 'help@example.com'
};
const names = Object.keys(catalogue) as EmailName[];

/** The sample with every value that isn't a link replaced by this text. */
function fillWith(name: EmailName, text: string): object {
	const sample: Record<string, string> = catalogue[name].sample;
	return Object.fromEntries(
		Object.entries(sample).map(([key, value]) => [key, value.startsWith('http') ? value : text])
	);
}

test('what becomes one message becomes an e-mail that there is', () => {
	const rules = names.flatMap((name) => {
		const rule = gatheringOf(name);
		return rule ? [{ name, ...rule }] : [];
	});
	expect(rules.length).toBeGreaterThan(0);
	for (const { name, into, gather } of rules) {
		const props = gather([catalogue[name].sample, catalogue[name].sample]);
		expect(catalogue[into].props.parse(props)).toMatchObject({ count: '2' });
	}
});

test('what is asked for opens where it is decided: one its own page, several the list', () => {
	const first = {
		...catalogue['organization-requested'].sample,
		reviewUrl: 'https://x.example/admin/organizations/1'
	};
	const second = { ...first, reviewUrl: 'https://x.example/admin/organizations/2' };
	expect(gatheringOf('organization-requested')?.gather([first, second]).reviewUrl).toBe(
		'https://x.example/admin/organizations?status=pending'
	);
});

describe.each(names)('the e-mail %s', (name) => {
	test('keeps names that are read from right to left apart from what stands beside them', async () => {
		const hebrew = '\u05d0\u05d1\u05d2 24 (\u05d3)';
		const props = Object.entries(fillWith(name, hebrew)).map(([key, value]) => [
			key,
			// Addresses have no such letters.
			key.endsWith('Email') ? 'somebody@example.test' : value
		]);
		const { subject, html, text } = await renderEmail(name, Object.fromEntries(props), {
			...portal,
			name: hebrew
		});
		const body = html.replace(/<title>.*?<\/title>/s, '');
		expect(body).toContain(`<bdi>${hebrew}</bdi>`);
		expect(body.replaceAll(`<bdi>${hebrew}</bdi>`, '').replace(/<[^<>]*>/g, '')).not.toContain('\u05d0');
		for (const plain of [subject, text])
			expect(plain.replaceAll(/\u2068[^\u2068\u2069]*\u2069/g, ''), plain).not.toContain('\u05d0');
		// Other names are as they were typed.
		expect((await renderEmail(name, catalogue[name].sample, portal)).text).not.toMatch(/[\u2066-\u2069]/);
	});

	const sample: Record<string, string> = catalogue[name].sample;
	const links = Object.values(sample).filter((value) => value.startsWith('http'));

	test('is whole in both forms, with every value of its sample', async () => {
		const { subject, html, text } = await renderEmail(name, sample, portal);
		for (const part of [subject, html, text])
			expect(part).not.toMatch(/\{\{|\}\}|undefined|<!-- (if|end|body)/);
		expect(subject).toMatch(/^[^\r\n]{5,200}$/);
		for (const link of links) {
			expect(html).toContain(`href="${link}"`);
			const words = text.split(/\s/).filter((word) => word.includes(link));
			expect(words.length, 'links that stand alone in the text').toBeGreaterThan(0);
			for (const word of words) expect([link, ...links]).toContain(word);
		}
		const flat = text.replace(/\s+/g, ' ');
		for (const value of Object.values(sample))
			expect(`${subject} ${flat}`).toContain(value.replace(/\s+/g, ' '));
		// Gmail cuts a message off at 102 kB.
		expect(Buffer.byteLength(html)).toBeLessThan(60_000);
		expect(html).toContain('@media (prefers-color-scheme: dark)');
		// Nothing is loaded from anywhere, and no link leads elsewhere.
		expect(html).not.toMatch(/<(img|script|iframe|link|object)\b|@import|url\(/i);
		const targets = [...html.matchAll(/href="([^"]*)"/g)].map(([, target]) => target);
		for (const target of targets)
			expect([...links, portal.origin, `mailto:${portal.supportEmail}`]).toContain(target);
	});

	test('has nothing that MJML or we complain of, and can be saved as it is', async () => {
		const template = await getBuiltIn(name);
		expect(await checkTemplate(name, template, portal)).toEqual({ subject: null, problems: [] });
		for (const [, variable = ''] of template.body.matchAll(/\{\{(\w+)\}\}/g)) {
			expect(meaningOf(name, variable)).toMatch(/^[“A-Z].+ /);
		}
	});

	test('takes every value as text: no HTML, no MJML, no variables', async () => {
		const hostile = `<b>x</b> "'> <mj-include path="/etc/passwd" /> {{portalUrl}} {{password}} &amp; $& $1 <!-- end -->`;
		const { subject, html, text } = await renderEmail(name, fillWith(name, hostile), portal);
		expect(html).not.toMatch(/<b>x|<mj-|root:/);
		if (html.includes('mj-include')) {
			expect(html).toContain('&lt;b&gt;x&lt;/b&gt; &quot;&#39;&gt; &lt;mj-include');
			expect(html).toContain('{{portalUrl}} {{password}} &amp;amp; $&amp; $1');
			expect(text.replace(/\s+/g, ' ')).toContain(hostile);
		}
		if (catalogue[name].subject.includes('{{')) expect(`${subject}${text}`).toContain('{{password}}');
	});
});

test('what can’t be seen in a value is left out, and its line breaks stay', async () => {
	const { sample } = catalogue['organization-rejected'];
	const reason = 'First\r\nSecond \u202egnorw\u202c \u0000end';
	const { html, text } = await renderEmail('organization-rejected', { ...sample, reason }, portal);
	expect(html.replace(/<\/?bdi>/g, '')).toContain('First<br />Second gnorw end');
	expect(text).toContain('First\nSecond gnorw end');
});

test('a logo travels inside the message, and no other picture is loaded', async () => {
	const logo = { type: 'image/jpeg', data: 'AAAA', width: 120 };
	const look = { accentColor: '#0f766e', footer: '', logo };
	const { sample } = catalogue['account-approved'];
	const { html, attachments } = await renderEmail('account-approved', sample, { ...portal, look });
	const sources = [...html.matchAll(/<img[^>]*src="([^"]*)"/g)].map(([, source]) => source);
	expect(sources).toEqual(['cid:logo@portico']);
	// Who loads no pictures reads the name in its place.
	expect(html).toContain('alt="Acme &lt;Developers&gt; &amp; &quot;Friends&quot;"');
	expect(attachments).toMatchObject([{ cid: 'logo@portico', filename: 'logo.jpg' }]);
	expect(showAttachments(html, attachments)).toContain('src="data:image/jpeg;base64,AAAA"');
});

test('a value more or less than the e-mail has is refused', async () => {
	const { sample } = catalogue['organization-approved'];
	await expect(renderEmail('organization-approved', { ...sample, password: 'x' }, portal)).rejects.toThrow(
		z.ZodError
	);
	expect(() => renderSubject('organization-approved', { organizationName: 'x' }, portal)).toThrow(z.ZodError);
	await expect(renderEmail('no-such-mail', sample, portal)).rejects.toThrow('There is no e-mail');
	await expect(renderEmail('__proto__', sample, portal)).rejects.toThrow('There is no e-mail');
});

test('nobody to ask, no line about questions', async () => {
	const { sample } = catalogue['account-exists'];
	const asked = await renderEmail('account-exists', sample, portal);
	expect(asked.text.replace(/\s+/g, ' ')).toContain('Questions? Write to help@example.com.');
	const { text } = await renderEmail('account-exists', sample, { ...portal, supportEmail: '' });
	expect(text).not.toMatch(/Questions|mailto/);
});

test('no reason, no empty quotation', async () => {
	const { sample } = catalogue['organization-rejected'];
	const { html } = await renderEmail('organization-rejected', { ...sample, reason: '' }, portal);
	const { html: quoting } = await renderEmail('organization-rejected', sample, portal);
	expect(quoting).toContain('class="quote');
	expect(html).not.toContain('class="quote');
});

describe('the message on its way', () => {
	const compose = async (name: string, subjectName: string) => {
		const props = { ...catalogue['invitation-created'].sample, inviterName: subjectName };
		const rendered = await renderEmail('invitation-created', props, portal);
		const source = await composeSource({
			id: '0b0c2d9e-5a5b-4b57-9d0b-6f3b3a4c5d6e',
			from: toAddress(portal.name, 'portal@example.com'),
			to: toAddress(name, 'linus@example.com'),
			...rendered,
			origin: portal.origin,
			date: new Date('2026-11-24T09:00:00Z')
		});
		return { source, mail: await simpleParser(source) };
	};

	test('has both forms, its own id and the marks of a message that no person wrote', async () => {
		const { mail } = await compose('Linus Berg', 'Grace Okafor');
		expect(mail.subject).toBe('Grace Okafor invites you to Northwind Logistics');
		expect(mail.messageId).toBe('<0b0c2d9e-5a5b-4b57-9d0b-6f3b3a4c5d6e@portal.example.com>');
		expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
		expect(mail.from?.value).toEqual([{ address: 'portal@example.com', name: portal.name }]);
		expect(mail.text).toContain('https://portal.example.com/invitations/sample');
		expect(mail.html).toContain('https://portal.example.com/invitations/sample');
	});

	test.each([
		['a line break', 'Eve\r\nBcc: victim@example.com'],
		['a lone line feed', 'Eve\nBcc: victim@example.com'],
		['a second address', 'Eve" <victim@example.com>, "'],
		['a comma', 'Eve, victim@example.com'],
		['a line separator', 'Eve\u2028Bcc: victim@example.com'],
		['a change of direction', 'Eve\u202emoc.elpmaxe@mitciv']
	])('goes to its one recipient, though the names hold %s', async (_, name) => {
		const { source, mail } = await compose(name, name);
		const to = [mail.to ?? []].flat().flatMap(({ value }) => value);
		expect(to.map(({ address }) => address)).toEqual(['linus@example.com']);
		expect([mail.bcc, mail.cc]).toEqual([undefined, undefined]);
		const [head = ''] = source.split('\r\n\r\n');
		expect(head).not.toMatch(/^Bcc:/im);
		expect(mail.subject).toContain('invites you to Northwind Logistics');
		expect(mail.subject).not.toMatch(/[\r\n\u2028\u202e]/);
		expect(to[0]?.name).not.toMatch(/[\r\n\u2028\u202e]/);
	});
});
