import type { Page, WebSocketRoute } from 'playwright-core';

/** A socket that can be cut off from outside, and stays away until it may come back. */
export function createCut() {
	let isCut = false;
	const open = new Set<WebSocketRoute>();
	return {
		wire: (page: Page) =>
			page.routeWebSocket(/socket\.io/, (socket) => {
				if (isCut) return socket.close();
				socket.connectToServer();
				open.add(socket);
			}),
		async cut() {
			isCut = true;
			await Promise.all([...open].map((socket) => socket.close()));
			open.clear();
		},
		mend() {
			isCut = false;
		}
	};
}
