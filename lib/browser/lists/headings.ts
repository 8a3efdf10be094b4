import { isForeign, isForWork, isFurther, takeApart, wordsOf } from './qualifiers.ts';
import { plainWord } from './words.ts';

/**
 * What the headings of real lists mean: of Google Workspace, Microsoft 365, Entra, Outlook, Slack, Okta, Atlassian,
 * GitHub, HubSpot, Zoom, BambooHR, Personio, and of lists that people write in several languages.
 */
export const meanings = [
	'firstName',
	'lastName',
	/** “van der”, in a column of its own. */
	'beforeLastName',
	/** A second surname. */
	'afterLastName',
	'fullName',
	'email',
	/** What people sign in with elsewhere, where that is an address. */
	'login',
	/** A further address, for whom the others are empty. */
	'otherEmail',
	'role',
	'status',
	/** True for who is there. */
	'isActive',
	/** True for who is gone. */
	'isGone',
	/** When somebody went, or goes. */
	'goneSince',
	'ignore'
] as const;
export type Meaning = (typeof meanings)[number];

/** What a word means only together with the other columns, or with what stands below it. */
export type Heading = Meaning | 'name' | 'givenOrFullName' | 'address' | 'username' | 'state';

const words: Record<Heading, string> = {
	firstName: `first name, first, fname, given name, given names, forename, forenames, christian name, legal first name,
		preferred first name, user first name, contact first name, vorname, vornamen, rufname, prénom, prénoms, nombre de pila, nombres,
		primer nombre, voornaam, voornamen, roepnaam, nome proprio, primeiro nome, imię, imiona, förnamn, fornavn, etunimi,
		křestní jméno, meno, keresztnév, utónév, prenume, prenumele, ad, adı, имя, ім'я, όνομα, 名`,
	lastName: `last name, last, lname, surname, family name, second name, legal last name, user last name,
		contact last name, nachname, familienname, zuname, nom de famille, nom de naissance, apellido, apellidos, primer apellido,
		achternaam, familienaam, geslachtsnaam, cognome, nazwisko, efternamn, etternavn, efternavn, sukunimi, příjmení, priezvisko,
		vezetéknév, családnév, nume de familie, sobrenome, apelido, último nome, soyad, soyadı, фамилия, прізвище, επώνυμο, 姓`,
	beforeLastName: `tussenvoegsel, tussenvoegsels, voorvoegsel, infix, namenszusatz, last name prefix`,
	afterLastName: `segundo apellido, second surname, second last name`,
	fullName: `full name, display name, complete name, real name, profile name, employee name, member name, contact name,
		user full name, person, contact, employee, member, attendee, participant, recipient, first and last name,
		name and surname, vollständiger name, voller name, ganzer name, anzeigename, vor und nachname, vorname und nachname, vorname nachname,
		name vorname, nachname vorname, mitarbeiter, mitarbeiterin, teilnehmer, nom complet, nom affiché, nom d'affichage,
		nom et prénom, nom prénom, prénom et nom, prénom nom, nombre completo, nombre y apellidos, nombre y apellido,
		nombre para mostrar, apellidos y nombre, volledige naam, weergavenaam, nome completo, nome visualizzato, nome e cognome,
		cognome e nome, nome de exibição, imię i nazwisko, nazwisko i imię, nazwa wyświetlana, fullständigt namn, visningsnamn,
		celé jméno, jméno a příjmení, teljes név, фио, полное имя, имя и фамилия, 氏名, 姓名, github com name`,
	email: `email, mail, e mail, emails, email address, email addresses, mail address, email id, email 1, email 1 value,
		email 1 address, primary email, primary email address, primary smtp address, smtp address, smtp, internet address,
		work email, work email address, work mail, business email, company email, corporate email, office email, user email,
		user email address, member email, contact email, employee email, account email, login email, invitee email,
		attendee email, recipient email, email work, email business, official email, emailadresse, mailadresse, email adresse,
		e mail adressen, geschäftliche e mail, dienstliche e mail, geschäftliche e mail adresse, dienstliche e mail adresse,
		firmen e mail, e mail geschäftlich, e mail dienstlich, e mail arbeit, elektronische post, courriel, adresse courriel,
		adresse mail, adresse email, adresse de courriel, adresse électronique, adresse de messagerie, mél, mel, courrier électronique,
		email professionnel, e mail professionnel, adresse e mail professionnelle, courriel professionnel, correo,
		correo electrónico, correo e, dirección de correo, dirección de correo electrónico, dirección de email, dirección email,
		correo electrónico del trabajo, email corporativo, correo corporativo, emailadres, e mailadres, mailadres,
		zakelijk e mailadres, werk email, werk e mail, indirizzo email, indirizzo e mail, indirizzo di posta elettronica, posta elettronica,
		email aziendale, indirizzo mail, adres email, adres e mail, adres poczty elektronicznej, adres mailowy, poczta, poczta elektroniczna,
		e mail służbowy, email służbowy, endereço de e mail, endereço de email, endereço eletrônico, correio eletrônico, e post, epost,
		e postadress, e postadresse, mejl, mejladress, sähköposti, sähköpostiosoite, emailová adresa, e mailová adresa, e mail cím, email cím,
		adresă de e mail, adresa de email, e posta, eposta, e posta adresi, почта, электронная почта, адрес электронной почты, эл почта,
		електронна пошта, електронна адреса, メール, メールアドレス, 电子邮件, 邮箱, 電子郵件, 이메일, github com verified domain emails`,
	login: `login, login name, login id, user principal name, upn, sign in name, signin name, logon name, user login, user logon name,
		saml name id, github com saml name id, anmeldename, benutzerprinzipalname, identifiant, benutzerkennung`,
	otherEmail: `email 2, email 2 address, email 2 value, email 3, email 3 address, email 3 value, e mail 2 adresse, e mail 3 adresse,
		e mail adresse 2, email address 2, email address 3, other email, other mail, other mails, other emails, alternate email, alternative email,
		additional email, weitere e mail, courriel 2, correo 2, alias`,
	role: `role, roles, user role, member role, team role, org role, organization role, organisation role, account role, workspace role,
		permission, permission level, access level, rolle, rollen, benutzerrolle, rôle, rôles, rol, roles de usuario, ruolo, ruoli, rola, roll,
		papel, função, rooli, szerep, роль, 役割, 角色, github com member roles`,
	status: `status, user status, account status, member status, membership status, employee status, employment status, work status,
		lifecycle status, group status, seat status, user state, account state, member state, person type, account type, user type, member type,
		employee type, recipient type, recipient type details, mailbox type, user kind, kontostatus, benutzerstatus, mitarbeiterstatus,
		beschäftigungsstatus, anstellungsstatus, kontotyp, statut, statut du compte, état du compte, estatus, estado de la cuenta,
		estado del usuario, stato, stato account, stato utente, stan konta, stav, tila, állapot, situação, статус, accountstatus`,
	isActive: `active, is active, enabled, is enabled, account enabled, user enabled, account active, user active, sign in allowed, aktiv,
		aktiviert, konto aktiv, konto aktiviert, actif, activé, activo, activado, actief, attivo, aktywny, ativo, aktywne`,
	isGone: `block credential, blocked, is blocked, sign in blocked, suspended, is suspended, deactivated, is deactivated, disabled,
		is disabled, account disabled, account locked, deleted, is deleted, archived, is archived, inactive, is inactive, terminated, is bot, bot, is app,
		is service account, anmeldung blockiert, gesperrt, deaktiviert, gelöscht, archiviert, inaktiv, désactivé, bloqué, suspendu, supprimé,
		desactivado, bloqueado, suspendido, geblokkeerd, bloccato, disattivato, zablokowany`,
	goneSince: `soft deletion time stamp, soft deletion timestamp, soft deleted date time, deletion date, deleted at, deleted date time,
		deactivated at, deactivation date, suspended at, archived at, termination date, terminated at, date of termination, last working day,
		last day, leaving date, exit date, contract end date, end of employment, austrittsdatum, austritt, kündigungsdatum, letzter arbeitstag,
		date de sortie, date de départ, fecha de baja, datum uit dienst, data cessazione, data zwolnienia`,
	ignore: `id, user id, employee id, record id, object id, external id, member id, account id, number, no, nr, row, username hash, password,
		password hash function, org unit path, new primary email, last sign in, last login, last active, last seen, recovery email, home secondary email,
		work secondary email, secondary email, second email, home email, personal email, private email, private e mail, e mail privat, personal email address,
		home email address, manager email, manager, manager id, supervisor, supervisor email, reports to, reports to email, recovery phone, phone,
		phone number, work phone, home phone, mobile, mobile phone, mobile number, primary phone, telephone, tel, telefon, telefonnummer, mobil, handy, fax,
		téléphone, teléfono, telefoon, telefono, work address, home address, street, street address, street name, city, country, country region, region, zip,
		postal code, zip code, postcode, plz, ort, stadt, strasse, land, ville, pays, ciudad, país, stad, città, miasto, employee title, title, job title,
		position, stelle, berufsbezeichnung, job, poste, puesto, cargo, functie, funktion, fonction, qualifica, stanowisko, department, division, team,
		teams, group, groups, abteilung, bereich, service, département, departamento, afdeling, reparto, dział, cost center, cost centre, kostenstelle,
		company, company name, organization, organisation, organization name, firma, unternehmen, société, entreprise, empresa, bedrijf, azienda, location, office,
		building, building id, standort, büro, floor name, floor section, 2sv enrolled, 2sv enforced, has 2fa, has sso, two factor enabled, mfa, email usage,
		drive usage, photos usage, storage limit, storage used, licenses, license, license type, new licenses, new status, licence, change password at next sign in,
		advanced protection program enrollment, billing active, middle name, middle initial, second first name, zweiter vorname, initials, suffix, prefix, honorific prefix, honorific suffix, salutation,
		anrede, titel, civilité, gender, geschlecht, birthday, birth date, date of birth, geburtsdatum, anniversary, language, preferred language, locale,
		time zone, timezone, notes, note, comment, comments, description, notizen, bemerkung, bemerkungen, remarque, remarques, observaciones, categories, tags, labels, web page,
		website, url, profile url, photo, avatar, created, created at, when created, created date, create date, joined, join date, joined at, join time,
		leave time, duration, hire date, start date, eintrittsdatum, eintritt, added to org, updated at, last modified date, userid, expiration timestamp, proxy addresses,
		dir sync enabled, last dirsync time, usage location, email status, email preference, email preferences, email verified, posting permissions, join year, join month,
		join day, lead status, contact owner, lifecycle stage, guest, age, date, datum, invited by, source, pronouns, shoe size, t shirt size, last password change time stamp,
		license assignment details, oath token metadata, password never expires, preferred data location, release track, strong password required, internet free busy, business street, business city`,
	name: `name, names, naam, nom, namn, navn, nimi, название, név, název, user, users`,
	givenOrFullName: `nombre, nome, jméno, nume`,
	address: `address, adresse, adres, dirección, indirizzo, endereço`,
	username: `username, user name, nickname, nick name, handle, alias name, benutzername, spitzname, nom d'utilisateur, nombre de usuario, gebruikersnaam,
		nome utente, nazwa użytkownika, screen name`,
	state: `state, estado, état, type, typ, kind, stan, bundesland, province`
};

const meaningOf = new Map<string, Heading>();
for (const [heading, list] of Object.entries(words) as [Heading, string][]) {
	for (const word of list.split(',')) {
		const plain = plainWord(word);
		if (!meaningOf.has(plain)) meaningOf.set(plain, heading);
	}
}

/** Every word that is known, for tests that go over all of them. */
export const knownHeadings = [...meaningOf];

const mails: Heading[] = ['email', 'login', 'otherEmail'];
const names: Heading[] = ['firstName', 'lastName', 'fullName', 'name', 'givenOrFullName'];
const halves = new Map<string, Heading>([
	['given', 'firstName'],
	['vor', 'firstName'],
	['family', 'lastName'],
	['nach', 'lastName'],
	['full', 'fullName'],
	['complete', 'fullName'],
	['display', 'fullName'],
	['legal', 'fullName']
]);
const joining = new Set(['and', 'und', 'et', 'y', 'e', 'en', 'i', 'name', 'names']);

/** Which part of a name is meant by what stands beside “Name”: “(first)”, “(Nachname, Vorname)”. */
function findPart(beside: string): Heading | null {
	const found = wordsOf(beside)
		.filter((word) => !joining.has(word))
		.map((word) => halves.get(word) ?? meaningOf.get(word) ?? null);
	const [one = null] = found;
	if (found.some((other) => !other || !names.includes(other))) return null;
	return new Set(found).size > 1 ? 'fullName' : one;
}

/** What a heading says by itself; null where nobody here knows the word, or what stands beside it. */
export function findHeading(text: string): Heading | null {
	const { base, beside } = takeApart(text);
	const known = meaningOf.get(plainWord(base)) ?? null;
	if (!plainWord(beside)) return known;
	const whole = meaningOf.get(plainWord(base + beside)) ?? meaningOf.get(plainWord(beside + base));
	if (whole) return whole;
	if (known === null || known === 'ignore') return known;
	if (isForeign(beside)) return 'ignore';
	const other = meaningOf.get(plainWord(beside)) ?? null;
	if (mails.includes(known)) {
		if (isForWork(beside) || (other && mails.includes(other))) return known;
		if (isFurther(beside)) return 'otherEmail';
		return other === 'ignore' ? 'ignore' : null;
	}
	if (!names.includes(known)) return known;
	if (other === 'ignore') return 'ignore';
	const part = other && names.includes(other) ? other : findPart(beside);
	if (!part) return null;
	// “First name (surname)” is neither.
	return part === known || part === 'name'
		? known
		: known === 'firstName' || known === 'lastName'
			? null
			: part;
}
