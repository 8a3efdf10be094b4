import type { LimitFunction } from 'p-limit';
import type { Db } from '../database/database.ts';
import type { Door, LiveServer } from './admission.ts';

/** What the parts of the live side share. */
export interface House {
	io: LiveServer;
	db: Db;
	/** By which presence knows the sockets of this process. */
	processId: string;
	door: Door;
	/** Runs one after the other what tells news or opens and closes doors: what was committed first is told first. */
	inOrder: LimitFunction;
	report: (error: unknown) => void;
}
