/**
 * Owns what counts as a secret: names of files that exist to hold them, and the shape of keys and tokens.
 * A file that matches is never read, not even when it is named on a command line, because what was read
 * ends up in segments on disk. Must not repeat a secret: it answers yes or no.
 */
import {baseNameOf} from "./paths.js";

const secretNames = new Set([
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".s3cfg",
    ".boto",
    ".htpasswd",
    ".pypirc",
    ".git-credentials",
    ".dockercfg",
    ".vault-token",
    ".vault-pass",
    ".terraformrc",
    ".envrc",
    "credentials",
    "credentials.json",
    "credentials.csv",
    "kubeconfig",
    "master.key",
    "wp-config.php",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "secrets.yml",
    "secrets.yaml",
    "secrets.json",
    "secrets.toml",
    "secrets.ini",
    "secrets.properties",
]);

const secretNamePatterns = [
    /^\.env(\..+|-.+|_.+)?$/,
    /\.env$/,
    /\.(pem|key|p12|pfx|pkcs12|jks|keystore|ppk|kdbx?|ovpn|asc\.key|tfstate|tfvars)$/,
    /^client_secret.*\.json$/,
    /^(gcp-)?service[-_]?account.*\.json$/,
    /\.tfstate\.backup$/,
];

const secretPathPatterns = [
    /(^|\/)\.aws\/(credentials|config)$/,
    /(^|\/)\.docker\/config\.json$/,
    /(^|\/)\.kube\/config$/,
    /(^|\/)\.ssh\/(?!known_hosts|.*\.pub$)/,
    /(^|\/)\.gnupg\//,
];

// Fixed prefixes with a body of the right length: rare enough in ordinary code to be taken at their word.
// The bodies that documentation uses (`...EXAMPLE`, `xxxx`, `<token>`) are let through by isPlaceholder.
const tokenPatterns = [
    /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\r|\\n|["'+,])+(?:[A-Za-z-]+: [^\n]*\s+)*[A-Za-z0-9+/=]{40,}/g,
    /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
    /\bgh[pousr]_[A-Za-z0-9]{36,}\b/g,
    /\bgithub_pat_[A-Za-z0-9_]{60,}\b/g,
    /\bglpat-[A-Za-z0-9_-]{20,}\b/g,
    /\bnpm_[A-Za-z0-9]{36}\b/g,
    /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}/g,
    /\bxox[abeprs]-[0-9A-Za-z-]{24,}\b/g,
    /\bhooks\.slack\.com\/services\/T[0-9A-Z]{8,}\/B[0-9A-Z]{8,}\/[0-9A-Za-z]{20,}/g,
    /\bAIza[0-9A-Za-z_-]{35}\b/g,
    /\bya29\.[0-9A-Za-z_-]{50,}/g,
    /\b[sr]k_live_[0-9A-Za-z]{20,}\b/g,
    /\bsk-(?:proj|ant|svcacct|admin|or)-[A-Za-z0-9_-]{32,}/g,
    /\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b/g,
    /\bhf_[A-Za-z]{34}\b/g,
    /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b/g,
    /\bdop_v1_[a-f0-9]{64}\b/g,
    /(?:^|[\n:])_(?:authToken|password|auth)\s*=\s*["']?[A-Za-z0-9+/=_-]{16,}/g,
];

/** True for files that exist to hold secrets: `.env*`, private keys, credential stores. `path` is a POSIX path. */
export function isSecretPath(path: string): boolean {
    const name = baseNameOf(path).toLowerCase();
    if (name.endsWith(".pub")) return false;
    return (
        secretNames.has(name) ||
        secretNamePatterns.some((pattern) => pattern.test(name)) ||
        secretPathPatterns.some((pattern) => pattern.test(path))
    );
}

/** True when a text contains a private key or an access token of a known form that is not an obvious placeholder. */
export function hasSecret(text: string): boolean {
    return tokenPatterns.some((pattern) => {
        for (const match of text.matchAll(pattern)) if (!isPlaceholder(match[0])) return true;
        return false;
    });
}

/** Documentation writes `AKIA...EXAMPLE` and `ghp_xxxxxxxx`: a body with almost no different characters guards nothing. */
function isPlaceholder(token: string): boolean {
    if (/example|placeholder|your[-_]?(token|key)|redacted|dummy/i.test(token)) return true;
    const body = token.slice(-16);
    return new Set(body).size <= 4 || "abcdefghijklmnopqrstuvwxyz0123456789".includes(body.toLowerCase());
}
