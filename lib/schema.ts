import { z } from 'zod';

// Zod compiles its schemas with eval where it may. Our pages' Content-Security-Policy forbids that, and reports even the
// attempt; on the server it is welcome.
if ('document' in globalThis) z.config({ jitless: true });

export { z };
