import type { Db } from '../database/database.ts';
import type { Door, LiveServer } from './admission.ts';

/** What the parts of the live side share. */
export interface House {
	io: LiveServer;
	db: Db;
	/** By which presence knows the sockets of this process. */
	processId: string;
	door: Door;
	/** Has a failure logged that nobody waits for. */
	guard: (promise: Promise<void>) => void;
}
