import { z } from 'zod';

// Zod compiles its schemas with eval where it may. Our pages' Content-Security-Policy forbids that, and reports even the
// attempt; on the server it is welcome. Whatever checks by a schema in the browser imports this first. It doesn't stand
// where the schemas are made: there it would bring all of Zod to pages that only name what a field is called.
z.config({ jitless: true });
