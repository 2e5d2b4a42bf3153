// The page.
import { chooseLanguage, takeFragment } from "../common/fragment.js";
import { Texts } from "../common/texts.js";
import { EN } from "./en.js";
import { KO } from "./ko.js";

const fragment = takeFragment();
const texts = new Texts({ en: EN, ko: KO }, chooseLanguage(fragment.get("lang"), navigator.languages));
document.documentElement.lang = texts.language;
document.title = texts.get("title");
texts.apply(document);
