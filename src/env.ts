import { email } from '#lib/fields.ts';
import { z } from '#lib/schema.ts';

/** A key of 256 bits as base64. */
const key = z
	.base64('must be 32 bytes in base64')
	.refine((text) => Buffer.from(text, 'base64').length === 32, 'must be 32 bytes in base64');

/** Several separated by commas: new ones come before those that they replace. */
const keys = z
	.string()
	.transform((text) => text.split(',').map((one) => one.trim()))
	.pipe(z.array(key).min(1));

const notAnOrigin =
	'must be an origin such as https://portal.example.com, without a path or a slash at the end';
const origin = z
	.url({ protocol: /^https?$/, error: notAnOrigin, abort: true })
	.refine((text) => new URL(text).origin === text, notAnOrigin);

/** What of an address must be written as %…: it ends the name, the password or the host there. */
const special =
	'a special character in the user or the password (such as # / ? @ : %) is written as %23 %2F %3F %40 %3A %25';

/** Why an address of another server can't be meant; null where it can. Says nothing of what stands in it. */
function findUrlProblem(text: string, protocols: string[], isPathTaken: boolean): string | null {
	if (!protocols.some((one) => text.toLowerCase().startsWith(one)))
		return `must begin with ${protocols.join(' or ')}`;
	if (!URL.canParse(text)) return `can’t be read as an address: ${special}`;
	const { username, password, hostname, pathname, search, hash } = new URL(text);
	// Behind the host comes no @: whoever has one there has a password that ended too early.
	if (hash || /@/.test(pathname + search)) return `ends before its host does: ${special}`;
	for (const part of [username, password]) {
		try {
			decodeURIComponent(part);
		} catch {
			return `has a % that begins no character: ${special}`;
		}
	}
	if (isPathTaken) return null;
	if (!hostname) return 'names no host';
	return pathname === '' || pathname === '/'
		? null
		: `has a path behind the host, which means nothing here: ${special}`;
}

const serverUrl = (protocols: string[], { isPathTaken }: { isPathTaken: boolean }) =>
	z.string().superRefine((text, context) => {
		const message = findUrlProblem(text, protocols, isPathTaken);
		if (message) context.addIssue({ code: 'custom', message });
	});

const wholeNumber = (min: number, max: number) => {
	const error = `must be a whole number from ${min} to ${max}`;
	return z.coerce.number({ error }).int(error).min(min, error).max(max, error);
};

/** As people's own addresses are read, in the words of a list of variables. */
const address = z.string().transform((text, context) => {
	const { data, success } = email.safeParse(text);
	if (success) return data;
	context.addIssue({ code: 'custom', message: 'must be an e-mail address, such as ada@example.com' });
	return z.NEVER;
});

/** Several separated by commas, so that a new one can be given out before the old one goes. */
const tokens = z
	.string()
	.transform((text) => text.split(',').map((one) => one.trim()))
	.pipe(
		z.array(z.string().regex(/^[\w.~+/-]{32,}=*$/, 'must be at least 32 letters, digits or -._~+/')).min(1)
	);

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const schema = z.object({
	PORT: wholeNumber(1, 65_535).default(3000),
	HOST: z.string().min(1).optional(),
	ORIGIN: origin.optional(),
	DATABASE_URL: serverUrl(['postgres://', 'postgresql://'], { isPathTaken: true }).optional(),
	DATA_FOLDER: z.string().min(1).default('./data'),
	SMTP_URL: serverUrl(['smtp://', 'smtps://'], { isPathTaken: false }).optional(),
	MAIL_FROM: address.optional(),
	MAIL_RETRY_SECONDS: wholeNumber(1, 3600).default(30),
	MAIL_GATHER_SECONDS: wholeNumber(0, 600).default(50),
	PORTAL_ADMIN_EMAIL: address.optional(),
	PORTAL_ADMIN_PASSWORD: z.string().min(12, 'must have at least 12 characters').optional(),
	ENCRYPTION_KEY: keys.optional(),
	LOOKUP_KEY: keys.optional(),
	GATEWAY_TOKEN: tokens.optional(),
	METRICS_TOKEN: tokens.optional(),
	TRUSTED_PROXIES: wholeNumber(0, 10).default(0),
	LOG_LEVEL: z.enum(levels, { error: `must be one of ${levels.join(', ')}` }).default('info')
});

/** What the process is configured with; see the table in README.md. */
export type Env = Omit<z.infer<typeof schema>, 'ORIGIN'> & { ORIGIN: string };

/**
 * Parses the environment. This is the only reader of process.env.
 * @throws {Error} that names every wrong variable and why it is wrong, never its value.
 */
export function readEnv(source: NodeJS.ProcessEnv = process.env): Env {
	// An empty line in a compose file means "not set".
	const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
	const parsed = schema
		.refine((env) => !env.PORTAL_ADMIN_EMAIL === !env.PORTAL_ADMIN_PASSWORD, {
			path: ['PORTAL_ADMIN_EMAIL and PORTAL_ADMIN_PASSWORD'],
			error: 'must be given together'
		})
		.safeParse(given);
	if (!parsed.success) {
		const lines = parsed.error.issues.map(({ path, message }) => `  ${path[0]?.toString()}: ${message}`);
		throw new Error(`The environment is not right:\n${lines.join('\n')}`);
	}
	return { ...parsed.data, ORIGIN: parsed.data.ORIGIN ?? `http://localhost:${parsed.data.PORT}` };
}
