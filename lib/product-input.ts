import {
	orEmpty,
	planName,
	planText,
	productContact,
	productDescription,
	productName,
	productSlug,
	productSummary,
	wholeNumber
} from './fields.ts';
import { approvals, visibilities } from './products.ts';
import { z } from './schema.ts';

/** What a form of a product holds. */
export const productInput = {
	name: productName,
	slug: productSlug,
	summary: orEmpty(productSummary),
	description: productDescription,
	contact: orEmpty(productContact),
	visibility: z.enum(visibilities)
};

/** What a form of a plan holds. */
export const planInput = {
	name: planName,
	text: planText,
	perSecond: wholeNumber('Requests a second', 0, 1_000_000),
	perMonth: wholeNumber('Requests a month', 0, 2_000_000_000),
	approval: z.enum(approvals),
	credentialDays: wholeNumber('The age of a credential in days', 0, 3650)
};
