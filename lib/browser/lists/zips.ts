/** Archives, as far as a workbook needs them: read within bounds, and written without compression. */

export class BadArchive extends Error {}
export class TooLarge extends Error {}

const u16 = (view: DataView, at: number) => view.getUint16(at, true);
const u32 = (view: DataView, at: number) => view.getUint32(at, true);
const mostFiles = 2000;

type Entry = { name: string; method: number; size: number; at: number };

/** What the directory at the end of an archive lists. */
export function listArchive(bytes: Uint8Array): Entry[] {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let end = bytes.length - 22;
	const first = Math.max(0, end - 65_535);
	while (end >= first && u32(view, end) !== 0x06054b50) end -= 1;
	if (end < first || end < 0) throw new BadArchive('No directory');
	const count = u16(view, end + 10);
	if (count > mostFiles) throw new TooLarge('Too many files');
	const entries: Entry[] = [];
	let at = u32(view, end + 16);
	for (let index = 0; index < count; index += 1) {
		if (at + 46 > bytes.length || u32(view, at) !== 0x02014b50) throw new BadArchive('Broken directory');
		const [nameLength, extra, comment] = [u16(view, at + 28), u16(view, at + 30), u16(view, at + 32)];
		const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
		entries.push({ name, method: u16(view, at + 10), size: u32(view, at + 20), at: u32(view, at + 42) });
		at += 46 + nameLength + extra + comment;
	}
	return entries;
}

/** Unpacks the wanted files; stops as soon as they are more than `most` bytes, whatever the archive says of itself. */
export async function unpack(
	bytes: Uint8Array<ArrayBuffer>,
	wants: (name: string) => boolean,
	most: number
): Promise<Map<string, Uint8Array>> {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const files = new Map<string, Uint8Array>();
	let left = most;
	for (const { name, method, size, at } of listArchive(bytes)) {
		if (!wants(name)) continue;
		if (at + 30 > bytes.length || u32(view, at) !== 0x04034b50) throw new BadArchive('Broken file');
		const begin = at + 30 + u16(view, at + 26) + u16(view, at + 28);
		const packed = bytes.subarray(begin, begin + size);
		if (method !== 0 && method !== 8) throw new BadArchive('Unknown compression');
		const content = method === 0 ? packed : await inflate(packed, left);
		left -= content.length;
		if (left < 0) throw new TooLarge('Too large');
		files.set(name, content);
	}
	return files;
}

async function inflate(packed: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array> {
	const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
	const chunks: Uint8Array[] = [];
	let length = 0;
	for (;;) {
		const { done, value } = await reader.read();
		if (done) break;
		length += value.length;
		if (length > most) {
			await reader.cancel();
			throw new TooLarge('Too large');
		}
		chunks.push(value);
	}
	const whole = new Uint8Array(length);
	let at = 0;
	for (const chunk of chunks) {
		whole.set(chunk, at);
		at += chunk.length;
	}
	return whole;
}

/** An archive of files as they are, which whoever reads it needn't unpack. */
export function pack(files: ReadonlyMap<string, Uint8Array>): ArrayBuffer {
	const parts: { name: Uint8Array; content: Uint8Array; at: number }[] = [];
	let length = 0;
	for (const [name, content] of files) {
		const encoded = new TextEncoder().encode(name);
		parts.push({ name: encoded, content, at: length });
		length += 30 + encoded.length + content.length;
	}
	const directoryAt = length;
	for (const { name } of parts) length += 46 + name.length;
	const bytes = new Uint8Array(length + 22);
	const view = new DataView(bytes.buffer);
	let directory = directoryAt;
	for (const { name, content, at } of parts) {
		view.setUint32(at, 0x04034b50, true);
		view.setUint32(directory, 0x02014b50, true);
		// Both name the sizes, the length of the name and, left at 0, the way of compression.
		for (const [place, sizes, nameLength] of [
			[at, 18, 26],
			[directory, 20, 28]
		] as const) {
			view.setUint32(place + sizes, content.length, true);
			view.setUint32(place + sizes + 4, content.length, true);
			view.setUint16(place + nameLength, name.length, true);
		}
		view.setUint32(directory + 42, at, true);
		bytes.set(name, at + 30);
		bytes.set(content, at + 30 + name.length);
		bytes.set(name, directory + 46);
		directory += 46 + name.length;
	}
	view.setUint32(directory, 0x06054b50, true);
	view.setUint16(directory + 8, parts.length, true);
	view.setUint16(directory + 10, parts.length, true);
	view.setUint32(directory + 12, directory - directoryAt, true);
	view.setUint32(directory + 16, directoryAt, true);
	return bytes.buffer;
}
