/** OpenAPI documents of products, as pages, the API and what reads them know them. */

export const maxDocumentBytes = 5_000_000;

/** How many origins of its servers a document's pages may reach. */
export const maxServers = 20;

export type DocumentFormat = 'json' | 'yaml';

/** What is wrong with a document, and where; lines and columns count from 1. */
export interface DocumentFault {
	line: number;
	column: number;
	message: string;
}

/** What a document says of itself. */
export interface DocumentFacts {
	format: DocumentFormat;
	/** Of the specification: "2.0", "3.0.3". */
	specVersion: string;
	title: string;
	/** Of the API, `info.version`. */
	apiVersion: string;
	/** The origins of its servers, such as "https://api.example.com". */
	servers: string[];
	operations: number;
}

/** What a version changed, as sentences; each stands in one list alone. */
export interface DocumentChanges {
	/** What can break a program that was written for the version before. */
	breaking: string[];
	removed: string[];
	added: string[];
	changed: string[];
	/** How many sentences were left out, so that a list has an end. */
	more: number;
}

/** A document as it was uploaded once. */
export interface DocumentVersion extends DocumentFacts {
	id: string;
	/** 1, 2, 3 … of its product. */
	number: number;
	bytes: number;
	/** Since the version before; null for the first. */
	changes: DocumentChanges | null;
	createdAt: string;
}

/** As its provider sees it. */
export interface OwnDocumentVersion extends DocumentVersion {
	uploadedBy: { name: string };
}

/** How many versions are told at once. */
export const versionsShown = 20;

/** Where a version is downloaded; the newest without a number. */
export const documentPath = (slug: string, { format }: { format: DocumentFormat }, number?: number) =>
	`/apis/${slug}/openapi.${format}${number === undefined ? '' : `?version=${number}`}`;

/** Under which a fault is found among the fields of a refusal, and what it is taken apart by. */
export const faultKey = ({ line, column }: DocumentFault) => `text.${line}.${column}`;

export function faultsOf(fields: Record<string, string>): DocumentFault[] {
	return Object.entries(fields).flatMap(([key, message]) => {
		const [, line, column] = /^text\.(\d+)\.(\d+)$/.exec(key) ?? [];
		return line && column ? [{ line: Number(line), column: Number(column), message }] : [];
	});
}
