/**
 * Words of four letters and more that a language reserves, or that name its own basic types: a model knows them
 * without any context, so they say nothing about what a context brings.
 */
import {languageOf, type Language} from "../choose/languages.js";

const words: Record<Language, string> = {
    javascript:
        "abstract accessor async await bigint boolean break case catch class const constructor continue debugger " +
        "declare default delete else enum export extends false finally from function global implements import infer " +
        "instanceof interface keyof module namespace never null number object override package private protected " +
        "public readonly require return satisfies static string super switch symbol this throw true type typeof " +
        "undefined unique unknown void while with yield",
    python:
        "None True False assert async await break case class continue elif else except finally from global import " +
        "lambda match nonlocal pass raise return self type while with yield",
    go:
        "bool break byte case chan const continue default defer else error fallthrough false func goto import int8 " +
        "int16 int32 int64 interface iota package panic range return rune select string struct switch true type " +
        "uint uint8 uint16 uint32 uint64",
    rust:
        "async await bool break char const continue crate else enum extern false impl loop match move static struct " +
        "self Self super trait true type union unsafe usize isize where while",
    java:
        "abstract assert boolean break byte case catch char class const continue default double else enum extends " +
        "final finally float goto implements import instanceof interface long native null package private protected " +
        "public record return sealed short static strictfp super switch synchronized this throw throws transient true " +
        "false void volatile while yield",
    c:
        "auto bool break case catch char class const constexpr continue decltype default define delete double else " +
        "endif enum explicit extern false final float friend goto ifdef ifndef include inline long mutable namespace " +
        "noexcept nullptr operator override private protected public register return short signed sizeof static " +
        "struct switch template this throw true typedef typename union unsigned using virtual void volatile while",
    csharp:
        "abstract async await base bool break byte case catch char class const continue decimal default delegate " +
        "double else enum event explicit extern false finally fixed float foreach goto implicit interface internal " +
        "lock long namespace null object operator override params private protected public readonly record return " +
        "sealed short sizeof static string struct switch this throw true typeof uint ulong unchecked unsafe ushort " +
        "using virtual void volatile while yield",
    ruby:
        "alias begin break case class defined else elsif ensure false module next redo rescue retry return self super " +
        "then true undef unless until when while yield",
    php:
        "abstract array break callable case catch class clone const continue declare default echo else elseif empty " +
        "enddeclare endfor endforeach endif endswitch endwhile enum extends false final finally function global goto " +
        "implements include instanceof insteadof interface isset list match namespace null print private protected " +
        "public readonly require return static string switch this throw trait true unset while yield",
    css: "important import media inherit initial unset none auto",
};

const byLanguage = new Map(
    Object.entries(words).map(([language, list]) => [language as Language, new Set(list.split(" "))]),
);
const none: ReadonlySet<string> = new Set();

/** Keywords of the language that the path's extension names; none for a language that is not known. */
export function keywordsOf(path: string): ReadonlySet<string> {
    const language = languageOf(path);
    return language === undefined ? none : byLanguage.get(language)!;
}
