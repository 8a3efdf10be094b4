import type { ColumnType, Generated } from 'kysely';
import type { Actor } from '#lib/events.ts';
import type { GatewayKind } from '#lib/gateways.ts';

/** Who checks credentials, as tables.ts has the others. */

type Timestamp = ColumnType<Date, Date | undefined, Date>;

export interface GatewayTable {
	id: Generated<string>;
	name: string;
	kind: GatewayKind;
	/** Its tokens are those of GATEWAY_TOKEN. */
	isEnvironment: Generated<boolean>;
	hasBearer: Generated<boolean>;
	hasApiKey: Generated<boolean>;
	/** Empty where it looks in none. */
	headerName: Generated<string>;
	queryName: Generated<string>;
	/** Whether it asks about API products alone, also where none of them is left. */
	isProductsOnly: Generated<boolean>;
	createdBy: ColumnType<Actor, Actor, never>;
	createdAt: Timestamp;
	revokedAt: Date | null;
	lastUsedAt: Date | null;
	lastUsedFrom: Generated<string>;
}

export interface GatewayTokenTable {
	id: Generated<string>;
	gatewayId: string;
	tokenHash: string;
	lastFour: string;
	createdAt: Timestamp;
	expiresAt: Date | null;
	lastUsedAt: Date | null;
}
