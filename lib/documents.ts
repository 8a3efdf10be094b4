/** OpenAPI documents of products, as pages, the API and what reads them know them. */

export const maxDocumentBytes = 5_000_000;

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
