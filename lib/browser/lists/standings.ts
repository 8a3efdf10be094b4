import { roleLabels, roles, type Role } from '../../views.ts';
import { serverNow } from '../server-time.ts';
import { plainWord, tidy } from './words.ts';

/** What lists of other products say of a person: whether they are still there, and what they may do. */

const set = (words: string) => new Set(words.split(/\s+/).map(plainWord));

const gone =
	set(`deactivated inactive suspended deprovisioned disabled blocked deleted softdeleted removed former terminated archived
	revoked left offboarded resigned retired closed cancelled canceled banned dismissed leaver alumni alumnus departed ex
	deaktiviert deaktivierte inaktiv gesperrt gelöscht ausgeschieden ausgetreten gekündigt ehemalig ehemalige ehemaliger archiviert blockiert
	désactivé désactivée inactif suspendu suspendue supprimé supprimée bloqué bloquée ancien ancienne parti partie archivé archivée
	desactivado desactivada inactivo inactiva suspendido suspendida eliminado eliminada bloqueado bloqueada baja archivado
	gedeactiveerd inactief geblokkeerd verwijderd opgeschort gearchiveerd uitgeschakeld uitdienst
	disattivato disattivata inattivo inattiva sospeso sospesa eliminato eliminata bloccato bloccata cessato cessata archiviato disabilitato
	nieaktywny nieaktywna zawieszony zawieszona usunięty usunięta zablokowany zablokowana dezaktywowany zarchiwizowany zwolniony zwolniona
	inativo inativa suspenso desativado excluído bloqueado inaktivt avstängd slettet deaktiveret neaktivní`);
const here = set(
	`active enabled aktiv aktiviert actif active activé activo activa actief attivo attiva aktywny aktywna ativo`
);
const not = set(`not non no never nicht kein pas niet nie unactive`);

const notPeople =
	set(`bot robot chatbot appuser integration serviceaccount serviceprincipal serviceuser systemaccount systemuser system machine application app
	sharedmailbox roommailbox equipmentmailbox schedulingmailbox discoverymailbox groupmailbox teammailbox room equipment resource meetingroom conferenceroom
	group distributionlist distributiongroup mailinglist mailuniversaldistributiongroup mailboxshared dienstkonto systemkonto funktionspostfach
	sammelpostfach gruppenpostfach raum ressource comptedeservice boîtepartagée salle cuentadeservicio buzóncompartido sala serviceaccounts dienstaccount gedeeldepostbus
	accountdiservizio kontousługi kontoserwisowe apikey webhook`);

const yes = set('true yes y 1 ja oui si sí tak sim x wahr vrai verdadero waar vero prawda on');
const no = set('false no n 0 nein non nee nie não falsch faux falso onwaar fałsz off');

/** Why somebody with this word beside their name isn't written to; null when nothing speaks against it. */
export function findReason(text: string): string | null {
	if (notPeople.has(plainWord(text))) return `“${tidy(text)}” is no person`;
	const words = text
		.split(/[^\p{L}\p{M}]/u)
		.map(plainWord)
		.filter(Boolean);
	if (gone.has(plainWord(text))) return tidy(text);
	let isNegated = false;
	for (const word of words) {
		if (not.has(word)) isNegated = true;
		else if (isNegated ? here.has(word) : gone.has(word)) return tidy(text);
		else if (word === 'bot' && !isNegated) return `“${tidy(text)}” is no person`;
	}
	return null;
}

/** The same of a column that says yes or no. */
export const saysNo = (text: string) => no.has(plainWord(text));
export const saysYes = (text: string) => yes.has(plainWord(text));

/** Whether a day that a list names is over; what can't be read as a day is taken for one that is. */
export const isPast = (text: string, now = serverNow()) => !(Date.parse(text) > now);

/** Whether it is a word about somebody's standing at all. */
export const isStanding = (text: string) =>
	here.has(plainWord(text)) || notPeople.has(plainWord(text)) || findReason(text) !== null;

const roleOf = new Map<string, Role>(roles.map((role) => [plainWord(roleLabels[role]), role]));
for (const word of set(
	`member teammitglied mitglied user users benutzer membre utilisateur miembro usuario lid teamlid gebruiker membro utente członek
	użytkownik standarduser medlem membredeléquipe membrodelteam miembrodelequipo`
)) {
	roleOf.set(word, 'team_member');
}

/**
 * Which of the two roles a word means. “Admin” and “Owner” are roles of other products: nobody becomes a Super admin
 * because of them.
 */
export const findRole = (text: string): Role | null => roleOf.get(plainWord(text)) ?? null;

/** The two roles under their own names, as a list without headings has them anywhere. */
export const isRoleLabel = (text: string) => roleOf.has(plainWord(text));
