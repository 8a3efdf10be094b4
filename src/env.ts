import { z } from 'zod';

/** A key of 256 bits as base64. */
const key = z
	.base64()
	.refine((text) => Buffer.from(text, 'base64').length === 32, 'must be 32 bytes in base64');

const origin = z.url({ protocol: /^https?$/ }).refine((text) => new URL(text).origin === text, {
	error: 'must be an origin such as https://portal.example.com, without a path or a slash at the end'
});

const schema = z.object({
	PORT: z.coerce.number().int().min(1).max(65535).default(3000),
	HOST: z.string().min(1).optional(),
	ORIGIN: origin.optional(),
	DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must begin with postgres://' }).optional(),
	DATA_FOLDER: z.string().min(1).default('./data'),
	SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must begin with smtp:// or smtps://' }).optional(),
	MAIL_FROM: z.email({ error: 'must be an e-mail address' }).optional(),
	MAIL_RETRY_SECONDS: z.coerce.number().int().min(1).max(3600).default(30),
	MAIL_GATHER_SECONDS: z.coerce.number().int().min(0).max(600).default(50),
	PORTAL_ADMIN_EMAIL: z.email({ error: 'must be an e-mail address' }).optional(),
	PORTAL_ADMIN_PASSWORD: z.string().min(12, 'must have at least 12 characters').optional(),
	ENCRYPTION_KEY: z
		.string()
		.transform((text) => text.split(',').map((one) => one.trim()))
		.pipe(z.array(key).min(1))
		.optional(),
	LOOKUP_KEY: key.optional(),
	GATEWAY_TOKEN: z
		.string()
		.transform((text) => text.split(',').map((one) => one.trim()))
		.pipe(
			z.array(z.string().regex(/^[\w.~+/-]{32,}=*$/, 'must be at least 32 letters, digits or -._~+/')).min(1)
		)
		.optional(),
	TRUSTED_PROXIES: z.coerce.number().int().min(0).max(10).default(0),
	LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info')
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
