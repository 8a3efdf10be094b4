import { openLink } from '../../links.ts';
import type { RequestHandler } from './$types';

export const GET: RequestHandler = (event) => openLink(event, '/invitations');
