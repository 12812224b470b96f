# shellcheck shell=bash
#
# explain.bash: what the big providers mean by what they say, and what to do.
#
# A reply is a sentence of somebody's server; which one of the provider's
# switches it is about is known from its code, some words of it, and the host.
# Nothing is decided here: one line more for a person, below the reason.

# Prints the next step, if there is one to tell. Words are matched in lower
# case; the host is the one that was connected to.
next_step() { # host, the server's words
    local host=${1,,} text=${2,,}
    case $host in
    *.gmail.com | *.google.com | *.googlemail.com) google_step ;;
    *.office365.com | *.outlook.com | *.hotmail.com | *.office.com)
        microsoft_step ;;
    email-smtp.*.amazonaws.com) amazon_step ;;
    *.fastmail.com | *.messagingengine.com) fastmail_step ;;
    *.protonmail.ch | *.proton.me) proton_step ;;
    *.gmx.net | *.gmx.com | *.gmx.de | *.web.de | *.mail.com) gmx_step ;;
    *.zoho.com | *.zoho.eu | *.zoho.in | *.zohomail.* | *.zohocloud.*)
        zoho_step ;;
    *.yahoo.com | *.aol.com | *.yahoodns.net) yahoo_step ;;
    *.mail.me.com | *.icloud.com) icloud_step ;;
    *.sendgrid.net) sendgrid_step ;;
    *.postmarkapp.com | *.mailgun.org | *.sendinblue.com | *.brevo.com | \
        *.mailjet.com)
        service_step ;;
    esac
    general_step
}

step() {
    printf '%s\n' "$1"
    exit 0 # of the subshell that next_step() runs in: the first one counts
}

google_step() {
    case $text in
    *5.7.9*application-specific* | *5.7.8*not\ accepted* | *5.7.14*)
        step "Google wants an app password (16 letters) instead of the account's: turn on 2-Step Verification, make one at https://myaccount.google.com/apppasswords, and store it as the password; or use auth xoauth2 with an access token" ;;
    *5.7.0*authentication\ required*)
        step "Google sends only for those who log in: set auth on, user and password" ;;
    *5.4.5*limit* | *daily*limit*)
        step "Google's limit of messages a day is reached (500, or 2000 with Workspace); it is free again within 24 hours" ;;
    *4.7.0*too\ many\ login* | *4.7.0*try\ again*)
        step "Google has had too many logins: send less often, or gather mails" ;;
    *5.7.1*unauthorized* | *mail\ relay\ denied* | *5.7.0*relay*)
        step "Workspace's relay knows clients by address or login: allow this one in the Admin console under Apps, Gmail, Routing, SMTP relay service" ;;
    esac
}

microsoft_step() {
    case $text in
    *5.7.139*disabled\ for\ the\ tenant* | *5.7.139*disabled\ for\ the\ mailbox*)
        step "SMTP AUTH is turned off for this account: an administrator turns on 'Authenticated SMTP' for the mailbox (Microsoft 365 admin center, Users, Mail, Manage email apps)" ;;
    *5.7.139*basic\ authentication\ is\ disabled* | *5.7.30*basic*)
        step "Microsoft takes no passwords here any more: use auth xoauth2 with an access token (passwordeval with your OAuth tool)" ;;
    *5.7.139*security\ defaults* | *5.7.139*locked* | *5.7.139*criteria*)
        step "a policy of the tenant (security defaults or Conditional Access) forbids this login: exclude the account there, or use auth xoauth2 with an access token" ;;
    *535*5.7.139* | *535*5.7.3*)
        step "check user (the whole address) and password; with multi-factor login use auth xoauth2, or an app password where the tenant allows it" ;;
    *5.7.60* | *5.2.252* | *sendasdenied*)
        step "this account may not send as that sender: set from to its own address, or have 'Send as' granted on the mailbox" ;;
    *5.7.57* | *530*5.7.1*)
        step "Exchange Online sends only for those who log in: set auth on, user and password (or xoauth2)" ;;
    *4.3.2*limit* | *5.1.90* | *quotaexceeded*)
        step "Microsoft's limit for this mailbox is reached: send less often (30 messages a minute, three connections)" ;;
    esac
}

amazon_step() {
    case $text in
    *535*credentials\ invalid*)
        step "Amazon SES has SMTP credentials of its own, for each region: make them under SMTP settings in the SES console; AWS access keys do not work here" ;;
    *554*not\ verified*)
        step "verify the sender's address or domain in the SES console, in this region; while the account is in the sandbox recipients must be verified too" ;;
    *454*throttling* | *454*rate*)
        step "the sending quota of SES is reached: send more slowly, or have the quota raised" ;;
    *554*access\ denied* | *not\ authorized\ to\ perform*)
        step "the IAM user behind these SMTP credentials lacks ses:SendRawEmail for this identity" ;;
    esac
}

fastmail_step() {
    case $text in
    *535*)
        step "Fastmail wants an app password with SMTP access (Settings, Privacy & Security, App passwords), and the whole address as user" ;;
    *5.7.1*not\ authori?ed*)
        step "from must be an address or alias of this Fastmail account (Settings, My email addresses)" ;;
    esac
}

proton_step() {
    case $text in
    *535* | *5.7.8*)
        step "Proton wants an SMTP token, made for one address of a custom domain (Settings, IMAP/SMTP, SMTP tokens), with that address as user; other accounts send through Proton Mail Bridge" ;;
    *5.7.1* | *sender*)
        step "an SMTP token of Proton sends for its own address only: set from to it" ;;
    esac
}

gmx_step() {
    case $text in
    *535*)
        step "turn on POP3/IMAP access for programs in the mailbox's settings (it is off at first); with two-factor login make an application-specific password" ;;
    *sender\ address\ is\ not\ allowed* | *sender*not\ allowed*)
        step "from must be an address of this mailbox" ;;
    esac
}

zoho_step() {
    case $text in
    *535*)
        step "Zoho wants an application-specific password where two-factor login is on (Security, App Passwords), the host of your data centre (smtp.zoho.eu, .in, ...), and SMTP access on" ;;
    *553*relaying\ disallowed* | *553*sender*)
        step "from must be the address that logs in, or one of its aliases" ;;
    *5.4.6*unusual*)
        step "Zoho has blocked this account for unusual activity: unblock it in Zoho's mail settings" ;;
    esac
}

yahoo_step() {
    case $text in
    *535*)
        step "Yahoo and AOL want an app password (Account security, Generate app password)" ;;
    *553*from* | *550*mailbox\ unavailable*)
        step "from must be the address that logs in" ;;
    esac
}

icloud_step() {
    case $text in
    *535*)
        step "Apple wants an app-specific password (made at account.apple.com) and the whole address as user" ;;
    *550*from\ address*)
        step "from must be an address or alias of this iCloud account" ;;
    esac
}

sendgrid_step() {
    case $text in
    *535*)
        step "SendGrid's user is the word apikey, its password an API key with Mail Send permission" ;;
    *550*sender\ identity*)
        step "verify the sender in SendGrid (Settings, Sender Authentication)" ;;
    esac
}

service_step() {
    case $text in
    *525*5.7.1* | *unauthorized\ ip*)
        step "this service knows the addresses that may send: add this host's" ;;
    *535*)
        step "this service has SMTP credentials of its own (its settings, SMTP); the account's password is another one" ;;
    esac
}

# Postfix, Exim, Dovecot and whoever uses their words.
general_step() {
    case $text in
    *sender\ address\ rejected*not\ owned* | *sender\ verify\ failed*)
        step "this login may not send as that sender: set from to an address of its own" ;;
    *535*5.7.8* | *535*incorrect*)
        step "check user (often the whole address) and password; with two-factor login the provider wants an app password" ;;
    *relay\ access\ denied* | *relay\ not\ permitted* | *relaying\ denied*)
        step "the server sends to others only for those who log in: set auth on, user and password, and use its submission port (587 or 465)" ;;
    *is\ not\ among\ the*trust\ anchors*)
        step "if that is an authority of your own, name its certificate by tls_trust_file" ;;
    *does\ not\ offer\ starttls*)
        step "if its port speaks TLS from the first byte (465), set tls_starttls off; tls off sends in the clear" ;;
    *the\ address\ has\ no\ @\ and\ domain*)
        step "a name without a domain gets one by maildomain DOMAIN, or becomes an address by aliases FILE" ;;
    *there\ is\ no\ account\ *)
        step "the accounts of $config: $(conf_accounts | sort -u | paste -sd ' ')" ;;
    esac
}

# After a failure: what the server said, out of the report.
explain() {
    local host words plain rest address result code enhanced text
    report_text host
    host=$plain
    report_text reason
    words=$plain
    rest=${last#*'"recipients":['}
    while report_rcpt; do
        [[ $code != [45]?? ]] || words+=" $code $enhanced $text"
    done
    words=$(next_step "$host" "$words")
    [ -z "$words" ] || printf 'bootmail: %s\n' "$words" >&2
}
