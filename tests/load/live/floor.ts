import { createServer } from 'node:http';
import postgres from 'postgres';
import { Server } from 'socket.io';

/**
 * The least that could be live: bare Socket.IO that sends to a room what PostgreSQL announces, as it comes. It knows nobody,
 * lets everybody in, and remembers nothing: what `npm run bench:live` measures Portico beside.
 */

const { DATABASE_URL = '', PORT } = process.env;
const server = createServer();
const io = new Server(server, { transports: ['websocket'], serveClient: false });
io.on('connection', (socket) => void socket.join(`room:${String(socket.handshake.query.room)}`));

const sql = postgres(DATABASE_URL, { max: 1, onnotice: () => undefined });
await sql.listen('floor', (text) => {
	const { room, event } = JSON.parse(text) as { room: string; event: unknown };
	io.to(`room:${room}`).emit('event', event);
});
server.listen(Number(PORT), '127.0.0.1', 8192, () => console.log('The floor is ready.'));
process.stdin.resume().on('end', () => process.exit(0));
