import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';

/** A reverse proxy as people have it in front, which passes WebSockets on or, as some do, answers them as pages. */
export async function startProxy() {
	let target = 0;
	let passesUpgrade = true;
	const server = createServer((incoming, outgoing) => {
		const { method, url, headers } = incoming;
		const { upgrade, ...rest } = headers;
		void upgrade;
		const passed = request(
			{ host: '127.0.0.1', port: target, method, path: url, headers: rest },
			(answer) => {
				outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
				answer.pipe(outgoing);
			}
		);
		passed.on('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
		outgoing.on('close', () => passed.destroy());
		incoming.pipe(passed);
	});
	server.on('upgrade', (incoming, socket) => {
		socket.on('error', () => socket.destroy());
		if (!passesUpgrade) {
			socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
			return;
		}
		const passed = connect(target, '127.0.0.1', () => {
			const lines = incoming.rawHeaders.flatMap((name, at, all) =>
				at % 2 ? [] : [`${name}: ${all[at + 1]}`]
			);
			passed.write([`GET ${incoming.url} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
			passed.pipe(socket);
			socket.pipe(passed);
		});
		passed.on('error', () => socket.destroy());
		passed.on('close', () => socket.destroy());
		socket.on('close', () => passed.destroy());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	const port = address && typeof address === 'object' ? address.port : 0;
	return {
		origin: `http://localhost:${port}`,
		leadTo(portOfServer: number) {
			target = portOfServer;
		},
		/** From the next connection on. */
		passUpgrade(isPassed: boolean) {
			passesUpgrade = isPassed;
		},
		async stop() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		}
	};
}
