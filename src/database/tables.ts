import type { ColumnType, Generated } from 'kysely';
import type { Actor, EventName } from '#lib/events.ts';
import type { MessageState, Security } from '#lib/mail-server.ts';
import type { OwnQuotas } from '#lib/quotas.ts';
import type { Settings } from '#lib/settings.ts';
import type { Account, Role, Status } from '#lib/views.ts';
import type { QuotaMonthTable, RateLeaseTable, RateLimitTable } from './limit-tables.ts';
import type { GatewayTable, GatewayTokenTable } from './gateway-tables.ts';
import type {
	AccessBarTable,
	AccessRequestTable,
	AccessTable,
	GatewayProductTable,
	PlanTable,
	ProductDocumentTable,
	ProductOrganizationTable,
	ProductTable
} from './product-tables.ts';
import type {
	CredentialUseTable,
	UsageBatchTable,
	AccessUseTable,
	UsageCountTable,
	UsageWatchTable
} from './usage-tables.ts';

/** One type per table, in camelCase: the CamelCasePlugin of database.ts turns names both ways. */
type Timestamp = ColumnType<Date, Date | undefined, Date>;
/** bigint columns are read as numbers: 2^53 events are enough for every stream. */
type Count = ColumnType<number, number | undefined, number>;

/** Made by the database of what the row says: see lib/search.ts. */
type SearchKey = Generated<string>;

type SettingColumns = { [Key in keyof Settings]: Generated<Settings[Key]> };

type QuotaColumn = ColumnType<OwnQuotas, string | undefined, string>;

interface PortalTable extends SettingColumns {
	id: Generated<boolean>;
	lastSeq: Count;
	lastHash: Generated<Uint8Array>;
	lastAt: Timestamp;
	keyCheck: string | null;
	setupTokenHash: string | null;
}

interface MessageTable {
	id: Generated<string>;
	recipientName: string;
	recipient: string;
	template: string;
	subject: string;
	content: string | null;
	templateVersion: Generated<number>;
	draft: string | null;
	state: Generated<MessageState>;
	attempts: Generated<number>;
	error: string | null;
	answer: string | null;
	createdAt: Timestamp;
	sentAt: Date | null;
	nextTryAt: Date | null;
	gatherKey: string | null;
	searchKey: SearchKey;
}

interface AlarmTable {
	kind: string;
	detail: Generated<string>;
	raisedAt: Timestamp;
	lastAt: Timestamp;
	count: Generated<number>;
	dismissedAt: Date | null;
}

interface MailServerTable {
	id: Generated<boolean>;
	host: Generated<string>;
	port: Generated<number>;
	security: Generated<Security>;
	username: Generated<string>;
	password: string | null;
	fromName: Generated<string>;
	fromAddress: Generated<string>;
	replyTo: Generated<string>;
	adminRecipients: Generated<string>;
	perMinute: number | null;
	dkimDomain: Generated<string>;
	dkimSelector: Generated<string>;
	dkimKey: string | null;
}

interface MailTryTable {
	at: Date;
}

interface MailChoiceTable {
	accountId: string;
	topic: string;
}

interface MemberNameTable {
	organizationId: string;
	userId: string;
	name: string;
}

interface AccountTable {
	id: Generated<string>;
	email: string;
	passwordHash: string;
	firstName: string;
	lastName: string;
	status: Generated<Account['status']>;
	isPortalAdmin: Generated<boolean>;
	isNotified: Generated<boolean>;
	emailVerifiedAt: Date | null;
	createdAt: Timestamp;
	lastSeenAt: Date | null;
	searchKey: SearchKey;
}

interface SessionTable {
	id: string;
	userId: string;
	expiresAt: Date;
	createdAt: Timestamp;
	publicId: Generated<string>;
	device: Generated<string>;
	address: Generated<string>;
	lastSeenAt: Timestamp;
}

interface KnownDeviceTable {
	accountId: string;
	deviceHash: string;
	seenAt: Timestamp;
}

interface AccountLinkTable {
	accountId: string;
	kind: 'verification' | 'reset' | 'change';
	tokenHash: string;
	email: string;
	expiresAt: Date;
	usedAt: Date | null;
}

interface PresenceTable {
	processId: string;
	organizationId: string;
	userId: string;
	seenAt: Timestamp;
}

interface ProcessTable {
	id: string;
	host: string;
	version: string;
	encryptionKey: string;
	lookupKey: string;
	seenAt: Timestamp;
}

interface OrganizationTable {
	id: Generated<string>;
	slug: string;
	name: string;
	nameKey: string;
	nearKey: Generated<string>;
	status: Status;
	isPersonal: Generated<boolean>;
	isRevealRestricted: Generated<boolean>;
	/** Super admins alone ask for access to products. */
	isAccessRestricted: Generated<boolean>;
	requestedBy: string | null;
	requestedAt: Timestamp;
	decidedBy: string | null;
	decidedAt: Date | null;
	rejectionReason: string | null;
	deletesAt: Date | null;
	deletionAskedBy: string | null;
	isDeletionByPortal: Generated<boolean>;
	lastSeq: Count;
	lastHash: Generated<Uint8Array>;
	lastAt: Timestamp;
	searchKey: SearchKey;
	/** In what it differs from the portal's settings. */
	quotas: QuotaColumn;
}

interface MembershipTable {
	id: Generated<string>;
	organizationId: string;
	userId: string;
	firstName: string;
	lastName: string;
	role: Role;
	joinedAt: Timestamp;
	seenSeq: Count;
	visitedAt: Date | null;
	nameKey: SearchKey;
}

interface InvitationTable {
	id: Generated<string>;
	organizationId: string;
	email: string;
	firstName: string;
	lastName: string;
	role: Role;
	tokenHash: string;
	state: Generated<'pending' | 'accepted' | 'declined' | 'revoked'>;
	invitedBy: string;
	createdAt: Timestamp;
	sentAt: Timestamp;
	messageId: string | null;
	expiresAt: Date;
	nameKey: SearchKey;
}

interface ApplicationTable {
	id: Generated<string>;
	organizationId: string;
	name: string;
	description: Generated<string>;
	createdBy: string | null;
	createdAt: Timestamp;
	/** Was there already when it was noticed that it looks like an older one of the organization. */
	isAlike: Generated<boolean>;
	/** In what it differs from its organization. */
	quotas: QuotaColumn;
	/** Kept by the database. */
	searchKey: Generated<string>;
}

interface CredentialTable {
	id: Generated<string>;
	applicationId: string;
	label: string;
	lastFour: string;
	secret: string;
	lookupHash: string;
	createdBy: string | null;
	createdAt: Timestamp;
	expiresAt: Date | null;
	revokedAt: Date | null;
	/** When its people were told that it ends soon. */
	expiryToldAt: Date | null;
	/** Of which end they were: its own, or from when on it is too old for a plan. */
	toldEndAt: Date | null;
	/** When its people were told that it has ended. */
	endedToldAt: Date | null;
	isReplaced: Generated<boolean>;
	replacedAt: Date | null;
}

interface EventTable {
	id: Generated<number>;
	organizationId: string | null;
	seq: number | null;
	/** SHA-256 that chains the event to the one before it in each stream; see programs/verify.ts. */
	hash: Uint8Array | null;
	portalSeq: number | null;
	portalHash: Uint8Array | null;
	name: EventName;
	actor: ColumnType<Actor, Actor, never>;
	payload: ColumnType<object, object, never>;
	at: Timestamp;
}

interface GoneStreamTable {
	organizationId: string;
	goneAt: Timestamp;
}

interface EmailTemplateTable {
	name: string;
	version: number;
	subject: string | null;
	body: string | null;
	note: string;
	author: ColumnType<Actor, Actor, never>;
	at: Timestamp;
}

interface EmailEditorTable {
	pageId: string;
	name: string;
	userId: string;
	seenAt: Timestamp;
}

interface BrandTable {
	id: Generated<boolean>;
	accentColor: Generated<string>;
	footer: Generated<string>;
	/** In base64. */
	logo: string | null;
	logoType: string | null;
	logoWidth: number | null;
	logoHeight: number | null;
}

export interface Tables {
	portal: PortalTable;
	rateLimit: RateLimitTable;
	message: MessageTable;
	alarm: AlarmTable;
	mailServer: MailServerTable;
	mailTry: MailTryTable;
	mailOptOut: MailChoiceTable;
	mailOptIn: MailChoiceTable;
	memberName: MemberNameTable;
	account: AccountTable;
	session: SessionTable;
	knownDevice: KnownDeviceTable;
	accountLink: AccountLinkTable;
	presence: PresenceTable;
	process: ProcessTable;
	organization: OrganizationTable;
	membership: MembershipTable;
	invitation: InvitationTable;
	application: ApplicationTable;
	rateLease: RateLeaseTable;
	quotaMonth: QuotaMonthTable;
	credential: CredentialTable;
	gateway: GatewayTable;
	gatewayToken: GatewayTokenTable;
	gatewayProduct: GatewayProductTable;
	product: ProductTable;
	productOrganization: ProductOrganizationTable;
	productDocument: ProductDocumentTable;
	plan: PlanTable;
	access: AccessTable;
	accessRequest: AccessRequestTable;
	accessBar: AccessBarTable;
	accessUse: AccessUseTable;
	usageCount: UsageCountTable;
	usageWatch: UsageWatchTable;
	usageBatch: UsageBatchTable;
	credentialUse: CredentialUseTable;
	event: EventTable;
	goneStream: GoneStreamTable;
	emailTemplate: EmailTemplateTable;
	emailEditor: EmailEditorTable;
	brand: BrandTable;
}
