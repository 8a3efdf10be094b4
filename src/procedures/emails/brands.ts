import { imageSize } from 'image-size';
import { z } from 'zod';
import { accentColor, emailFooter } from '#lib/fields.ts';
import { text } from '#lib/schema.ts';
import type { BrandSettings } from '#lib/views.ts';
import type { Db } from '../../database/database.ts';
import { renderEmail, showAttachments, type Look } from '../../mail/compose.ts';
import { publish } from '../../news/publish.ts';
import { getMailPortal } from '../../mail/outbox.ts';
import { getMailLook, lookOf, sampleOf, type BrandRow } from '../../mail/templates.ts';
import { fieldRefusal } from '../../api/refusals.ts';
import { adminProcedure, type Context, ofOneMoment, router } from '../../api/trpc.ts';
import { lockPortal } from '../settings/settings.ts';

/** How all e-mails look: logo, accent colour and the lines below. */

const longestLogo = 100_000;
const widestLogo = 3000;

const brand = {
	accentColor: accentColor.optional(),
	footer: emailFooter.optional(),
	/** As a data: address; null takes it away. */
	logo: text(150_000).nullable().optional()
};
type Input = z.infer<z.ZodObject<typeof brand>>;

const dataUrlOf = (logo: Look['logo']) => logo && `data:${logo.type};base64,${logo.data}`;

async function getBrandSettings(db: Db): Promise<BrandSettings> {
	const { accentColor, footer, logo } = await getMailLook(db);
	return { accentColor, footer, logo: dataUrlOf(logo) };
}

/**
 * The columns of a picture, after what it is rather than what it says it is.
 * @throws {Refusal} when mail programs would not show it.
 */
function readLogo(given: string): Pick<BrandRow, 'logo' | 'logoType' | 'logoWidth' | 'logoHeight'> {
	const [, data = ''] = /^data:image\/(?:png|jpeg);base64,([A-Za-z0-9+/]+={0,2})$/.exec(given) ?? [];
	const bytes = Buffer.from(data, 'base64');
	const refuse = (message: string) => fieldRefusal('logo', 'INVALID', message);
	if (bytes.length > longestLogo) throw refuse('The logo has more than 100 kB.');
	let size;
	try {
		size = imageSize(bytes);
	} catch {
		throw refuse('The logo has to be a PNG or JPEG picture.');
	}
	const { type, width, height } = size;
	if (type !== 'png' && type !== 'jpg') throw refuse('The logo has to be a PNG or JPEG picture.');
	if (Math.max(width, height) > widestLogo || Math.min(width, height) < 8)
		throw refuse(`The logo has to be 8 to ${widestLogo} pixels wide and high.`);
	return {
		logo: data,
		logoType: type === 'png' ? 'image/png' : 'image/jpeg',
		logoWidth: width,
		logoHeight: height
	};
}

const noLogo = { logo: null, logoType: null, logoWidth: null, logoHeight: null };

function columnsOf({ logo, ...rest }: Input): Partial<BrandRow> {
	return { ...rest, ...(logo === null ? noLogo : logo === undefined ? {} : readLogo(logo)) };
}

async function renderSample(ctx: Pick<Context, 'db' | 'config'>, look: Look) {
	const portal = await getMailPortal(ctx.db, ctx.config.ORIGIN);
	const sample = sampleOf('organization-approved', ctx.config.ORIGIN);
	const { html, attachments } = await renderEmail('organization-approved', sample, { ...portal, look });
	return { html: showAttachments(html, attachments) };
}

export const brandsRouter = router({
	getBrand: adminProcedure({})
		.use(ofOneMoment)
		.query(async ({ ctx }) => ({
			brand: await getBrandSettings(ctx.db),
			...(await renderSample(ctx, await getMailLook(ctx.db)))
		})),

	/** What e-mails would look like with these changes. Changes nothing: a logo is too long for a GET. */
	previewBrand: adminProcedure(brand).mutation(async ({ ctx, input }) => {
		const row = await ctx.db.selectFrom('brand').selectAll().executeTakeFirstOrThrow();
		return renderSample(ctx, lookOf({ ...row, ...columnsOf(input) }));
	}),

	/** Changes what is given and leaves the rest; in force with the commit, also for messages that still wait. */
	updateBrand: adminProcedure(brand).mutation(async ({ ctx, input }) => {
		const columns = columnsOf(input);
		await lockPortal(ctx.db);
		const before = await getBrandSettings(ctx.db);
		const given = (['accentColor', 'footer', 'logo'] as const).filter((key) => input[key] !== undefined);
		const changed = given.filter((key) => input[key] !== before[key]);
		if (changed.length === 0) return before;
		await ctx.db.updateTable('brand').set(columns).execute();
		await publish(ctx, 'brand.updated', { changed });
		return getBrandSettings(ctx.db);
	})
});
