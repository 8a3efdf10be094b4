import { roleLabels, roles, type Role } from '../../views.ts';
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
const not = set(`not non no never nicht kein keine pas ne niet geen nie unactive`);

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
export const saysNo = (text: string) => no.has(plainWord(text)) || /^[✗✘☐❌✕]\ufe0f?$/u.test(text);
export const saysYes = (text: string) => yes.has(plainWord(text)) || isMark(text);
/** What is set where something is so, and where the others hold nothing. */
export const isMark = (text: string) => /^[x✓✔☑✅]\ufe0f?$/iu.test(text);

const stems = (words: string) => words.split(/\s+/).map(plainWord).filter(Boolean);
/** Beginnings of words that say in a column of standing that somebody is gone, whatever ends them. */
const goneStems =
	stems(`deactiv deaktiv désactiv desactiv dezaktyw disattiv gedeactiv suspen terminat offboard disabl deprovision delet gelösch inaktiv inactiv inativ nieaktyw
	blocked blockiert bloqu blocat geblok zablok gesperr sperr archived archivi locked deceas verstorb décéd fallecid difunt overled dedut decedut zmarł falecid dead died
	ausgeschied ausgetret ehemal gekündig entlass pension ruhestand retired retrait rentner jubilad licencié démission despedid dimitid dismiss resign withdrawn quit fired exit leaver
	left departed redundan laidoff expell revok unsubscrib optedout optout abgemeld abgelauf expired frozen quarantin stillgeleg reject declin abgelehn banned wypowied zwolni
	supprim elimin verwijder opgesch sospes cessat chiuso closed cancel`);
const hereStems = stems(
	`contact kontakt mail write anschreib écri employ beschäftig angestell work current member longer mehr plus más mais active aktiv actif activ da here`
);

/** What in a column of standing speaks against nobody, without a word about whether they are active. */
const harmless =
	set(`member members owner admin administrator user guest licensed basic pro invited pending new regular permanent fulltime full parttime part vollzeit teilzeit
	contractor contract freelance freelancer employee employed staff intern trainee staged provisioned recovery passwordexpired passwordreset enrolled registered confirmed verified
	approved accepted joined onboarding onboarded current working present valid live ok good leave vacation holiday parental maternity paternity sick urlaub elternzeit karenz
	mutterschutz krank congé beschäftigt angestellt festangestellt befristet unbefristet angemeldet registriert bestätigt eingeladen offen mitarbeiter mitarbeiterin mitglied benutzer
	gast extern external internal salarié salariée employé employée cdi cdd embauché invité membre contratado empleado empleada vigente fijo miembro invitado werknemer indienst
	impiegato assunto zatrudniony zatrudniona czynny czynna uitgenodigd lid activated aktive aktiver aktivní aktívny активен активный активна активний aktiivinen ενεργός 有効 在籍 allowed
	unlocked open online available manager moderator editor viewer enable normal standard manual manuel paid trial activo`);

/**
 * Why somebody isn't written to of whom a column of standing says this: because it says so, or because nobody here knows
 * what it says.
 * @param isStrict whether the column says nothing but that; of kinds of accounts not everything is known.
 */
export function findDoubt(text: string, isStrict: boolean): string | null {
	const plain = plainWord(text);
	if (!plain || harmless.has(plain) || here.has(plain) || yes.has(plain)) return null;
	const reason = findReason(text);
	if (reason) return reason;
	const begins = (word: string, beginnings: string[]) => beginnings.some((one) => word.startsWith(one));
	const words = text
		.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
		.split(/[^\p{L}\p{M}]+/u)
		.map(plainWord)
		.filter(Boolean);
	let isNegated = false;
	for (const word of words) {
		if (not.has(word)) isNegated = true;
		else if (begins(word, isNegated ? hereStems : goneStems)) return tidy(text);
	}
	if (!isStrict || isNegated || words.some((word) => harmless.has(word) || here.has(word))) return null;
	return `“${tidy(text)}” isn’t known here`;
}

/** Whether it is a word about somebody's standing at all. */
export const isStanding = (text: string) => {
	const plain = plainWord(text);
	return here.has(plain) || notPeople.has(plain) || (text.length < 60 && findDoubt(text, false) !== null);
};

/** Whether a heading speaks of being there, or of being gone; null where of neither. */
export function findSide(words: string[]): 'isActive' | 'isGone' | null {
	const isAbout = (beginnings: string[]) =>
		words.some((word) => beginnings.some((one) => word.startsWith(one)));
	const isNegated = words.some((word) => not.has(word));
	const isGone = isAbout([
		...goneStems,
		'block',
		'lock',
		'leav',
		'austritt',
		'sortie',
		'baja',
		'former',
		'gone'
	]);
	if (
		!isGone &&
		!isAbout([
			...hereStems,
			'enabl',
			'can',
			'may',
			'kann',
			'darf',
			'ativ',
			'attiv',
			'aktyw',
			'habilit',
			'allow',
			'erlaub',
			'still',
			'noch',
			'present'
		])
	)
		return null;
	return isGone === isNegated ? 'isActive' : 'isGone';
}

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
