import { FolderInUse, lockFolder } from '../../src/database/lock.ts';

/** Takes the folder as a server does, says what has become of it, and keeps it until its input ends. */
const [folder = ''] = process.argv.slice(2);
try {
	const lock = await lockFolder(folder);
	console.log('taken');
	process.stdin.resume().on('end', () => {
		void lock.release().then(() => process.exit(0));
	});
} catch (error) {
	if (!(error instanceof FolderInUse)) throw error;
	console.log(error.message);
	process.exit(1);
}
