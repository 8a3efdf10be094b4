import type { ColumnType, Generated } from 'kysely';
import type { Actor } from '#lib/events.ts';
import type { DocumentChanges } from '#lib/documents.ts';
import type { Approval, PlanHead, ProductStatus, RequestStatus, Visibility } from '#lib/products.ts';

/** What the provider offers and who may call it, as tables.ts has the others. */

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface ProductTable {
	id: Generated<string>;
	slug: string;
	name: string;
	summary: Generated<string>;
	description: Generated<string>;
	contact: Generated<string>;
	status: Generated<ProductStatus>;
	retiresAt: Date | null;
	visibility: Generated<Visibility>;
	createdBy: ColumnType<Actor, Actor, never>;
	createdAt: Timestamp;
	publishedAt: Date | null;
	retiredAt: Date | null;
	/** Whether teams are still to be told that it retires, or doesn't. */
	isTelling: Generated<boolean>;
	/** Who has said so last; null where its day has come. */
	changedBy: ColumnType<Actor | null, string | null | undefined, string | null>;
	/** Kept by the database. */
	searchKey: Generated<string>;
	nameKey: Generated<string>;
}

export interface ProductOrganizationTable {
	productId: string;
	organizationId: string;
}

export interface ProductDocumentTable {
	id: Generated<string>;
	productId: string;
	number: number;
	content: string;
	format: 'json' | 'yaml';
	specVersion: string;
	title: string;
	apiVersion: string;
	/** Origins of the servers that it names. */
	servers: ColumnType<string[], string | undefined, string>;
	operations: Generated<number>;
	changes: ColumnType<DocumentChanges | null, string | null, string | null>;
	uploadedBy: ColumnType<Actor, Actor, never>;
	createdAt: Timestamp;
}

export interface PlanTable {
	id: Generated<string>;
	productId: string;
	name: string;
	text: Generated<string>;
	/** Of one application with the product; 0 for any number. */
	perSecond: Generated<number>;
	perMonth: Generated<number>;
	approval: Generated<Approval>;
	credentialDays: Generated<number>;
	position: Generated<number>;
	closedAt: Date | null;
	createdAt: Timestamp;
	limitsChangedAt: Timestamp;
	/** When how old credentials may become was changed. */
	agesChangedAt: Timestamp;
	/** Who changed either last; null where nobody has. */
	changedBy: ColumnType<Actor | null, string | null, string | null>;
	/** Whether somebody is still to be told of either. */
	isTelling: Generated<boolean>;
}

export interface AccessTable {
	id: Generated<string>;
	organizationId: string;
	applicationId: string;
	productId: string;
	planId: string;
	grantedAt: Timestamp;
	endsAt: Date | null;
	endedBy: ColumnType<Actor | null, Actor | null | undefined, Actor | null>;
	endReason: Generated<string>;
	/** When its organization last heard of its limits. */
	limitsToldAt: Timestamp;
	/** When it last heard of how old credentials may become. */
	agesToldAt: Timestamp;
	/** What it was last told of the product's end, as `retirementKey` has it. */
	retirementTold: Generated<string>;
}

interface AskedFor {
	product: { slug: string; name: string };
	plan: PlanHead;
}

export interface AccessRequestTable {
	id: Generated<string>;
	organizationId: string;
	/** Also of one that was deleted. */
	applicationId: string;
	/** What that was called. */
	applicationName: string | null;
	productId: string;
	planId: string;
	message: Generated<string>;
	status: Generated<RequestStatus>;
	reason: Generated<string>;
	/** As who asked knew it; null where an older version wrote it. */
	askedFor: ColumnType<AskedFor | null, AskedFor | undefined, never>;
	requestedBy: ColumnType<Actor, Actor, never>;
	requestedAt: Timestamp;
	decidedBy: ColumnType<Actor | null, Actor | null | undefined, Actor | null>;
	decidedAt: Date | null;
}

/** The provider has ended it for the organization, and decides about its next request. */
export interface AccessBarTable {
	organizationId: string;
	productId: string;
}

export interface GatewayProductTable {
	gatewayId: string;
	productId: string;
}
