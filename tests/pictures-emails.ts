import { mkdir, readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { catalogue, type EmailName } from '../emails/catalogue.ts';
import { renderEmail } from '../src/mail/compose.ts';
import { launchBrowser } from './e2e/browser.ts';

/** `npm run pictures:emails`: every e-mail as its readers see it, on a phone and on a desk, light and dark. */

const folder = fileURLToPath(new URL('../docs/emails/', import.meta.url));
const sheet = [
	{ width: 320, isDark: false },
	{ width: 320, isDark: true },
	{ width: 560, isDark: false },
	{ width: 560, isDark: true }
];
const brand = { name: 'Portico', origin: 'https://portal.example.com', supportEmail: 'support@example.com' };
const asAttribute = (html: string) => html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

await mkdir(folder, { recursive: true });
for (const file of await readdir(folder)) await rm(`${folder}${file}`);
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1832, height: 200 } });
for (const name of Object.keys(catalogue) as EmailName[]) {
	const { html } = await renderEmail(name, catalogue[name].sample, brand);
	const frames = sheet.map(({ width, isDark }) => {
		const shown = html
			.replaceAll('content="light dark"', `content="${isDark ? 'dark' : 'light'}"`)
			.replaceAll('@media (prefers-color-scheme: dark)', isDark ? '@media all' : '@media not all');
		return `<iframe srcdoc="${asAttribute(shown)}" style="width: ${width}px; border: 0; flex: none"></iframe>`;
	});
	await page.setContent(
		`<!doctype html><body style="margin: 0; padding: 16px; background: #d4d4d8; display: flex; gap: 16px; align-items: start">${frames.join('')}</body>`
	);
	await page.evaluate(() => {
		for (const frame of document.querySelectorAll('iframe'))
			frame.style.height = `${frame.contentDocument?.documentElement.scrollHeight ?? 0}px`;
	});
	await page.screenshot({ path: `${folder}${name}.png`, fullPage: true });
	console.log(`docs/emails/${name}.png`);
}
await browser.close();
