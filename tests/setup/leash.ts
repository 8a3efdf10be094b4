import { kill, pid, stdin } from 'node:process';

/**
 * Preloaded into every server that a test starts. Its standard input is a pipe that nobody writes to: when the test
 * process is gone, however it ended, the pipe closes and the server goes too. `unref` keeps the pipe from holding
 * a server that has ended by itself.
 */
stdin.on('close', () => kill(pid, 'SIGKILL'));
stdin.on('error', () => kill(pid, 'SIGKILL'));
stdin.resume();
if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
