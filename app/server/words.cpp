#include "app/server/words.hpp"

#include <algorithm>

namespace sigillo::server {
namespace {

constexpr Words kWords[] = {
    {.language = "en",
     .language_name = "English",
     .thousands = ',',
     .title = "Does this text carry our mark?",
     .lead = "Texts that our systems write carry an invisible mark. Paste a text here to see "
             "whether it is there.",
     .text_label = "Your text",
     .text_hint = "Longer is better: from about 200 words on, the answer is usually clear.",
     .file_label = "Or choose a text file",
     .file_hint = "Plain text in UTF-8, up to 256 KiB.",
     .drop_hint = "You can also drop a file anywhere on this page.",
     .submit = "Look for the mark",
     .privacy = "Your text is examined in memory and then forgotten. It is not stored, not logged, "
                "and not sent anywhere else. No cookies.",
     .again = "Check another text",
     .languages_label = "Language",
     .found = "We found our watermark.",
     .found_detail = "The chance of this in a text without our mark is below 1 in {}.",
     .not_found = "We did not find our watermark.",
     .not_found_detail = "This does not show that a person wrote it: other systems’ marks "
                         "are not checked, and editing can remove marks.",
     .inconclusive = "The text is too short to tell.",
     .inconclusive_detail = "There is too little of it for an answer in either direction. A longer "
                            "part of the same text may tell.",
     .signals = "What we looked for",
     .column_signal = "Signal",
     .column_result = "Result",
     .column_strength = "Strength",
     .column_meaning = "What it means",
     .text_mark = "Text watermark",
     .row_found = "Found",
     .row_not_found = "Not found",
     .row_inconclusive = "Cannot tell",
     .very_strong = "Very strong",
     .strong = "Strong",
     .none = "Not enough",
     .unknown = "Too little text",
     .chance = "by chance in 1 of {} texts",
     .chance_power = "by chance in 1 of 10<sup>{}</sup> texts",
     .means_found = "The words were chosen by a system that holds this key.",
     .means_not_found = "The words do not follow this key.",
     .means_inconclusive = "No answer; this is neither a yes nor a no.",
     .limits = "What this result does not tell you",
     .limit_author = "Who asked for the text, or who published it.",
     .limit_truth = "Whether what the text says is true.",
     .limit_edited = "Whether somebody changed parts of it afterwards.",
     .limit_person = "That a person wrote it.",
     .limit_removed =
         "That it never had a mark: rewriting, translating or shortening can remove it.",
     .limit_others = "Anything about other systems: their marks are not checked.",
     .receipt = "Download the signed receipt",
     .receipt_hint =
         "It holds the result, the time and a fingerprint (SHA-256) of your text, not the "
         "text. We keep no copy.",
     .details = "Technical details",
     .detail_detector = "Detector",
     .detail_profile = "Profile",
     .detail_key = "Key",
     .detail_tokens = "Tokens",
     .detail_tokens_value = "{} read, {} counted",
     .detail_p_value = "p-value",
     .detail_threshold = "Threshold",
     .detail_hash = "SHA-256 of the text",
     .detail_time = "Time",
     .detail_tries = "Corrected for {} detectors",
     .local = "Must the text stay with you?",
     .local_text = "The same detector is a command for your own computer:",
     .api = "For programs",
     .api_text = "The same answer as JSON, described in",
     .problem = "There is no result.",
     .problem_too_large = "The text is longer than 256 KiB. Check a part of it.",
     .problem_too_many = "Too many checks came from your network. Please try again in {} seconds. "
                         "The limit keeps the service free for everyone.",
     .problem_no_text =
         "There is no text that could be read. Paste a text, or choose a file of plain "
         "text in UTF-8; images, PDF and office files are not examined.",
     .problem_other = "The service cannot answer just now. Please try again in a minute."},
    {.language = "de",
     .language_name = "Deutsch",
     .thousands = '.',
     .title = "Trägt dieser Text unser Zeichen?",
     .lead =
         "Texte, die unsere Systeme schreiben, tragen ein unsichtbares Zeichen. Fügen Sie einen "
         "Text ein, um zu sehen, ob es da ist.",
     .text_label = "Ihr Text",
     .text_hint = "Länger ist besser: ab etwa 200 Wörtern ist die Antwort meist eindeutig.",
     .file_label = "Oder wählen Sie eine Textdatei",
     .file_hint = "Reiner Text in UTF-8, höchstens 256 KiB.",
     .drop_hint = "Sie können eine Datei auch irgendwo auf dieser Seite ablegen.",
     .submit = "Nach dem Zeichen suchen",
     .privacy = "Ihr Text wird im Arbeitsspeicher geprüft und dann vergessen. Er wird nicht "
                "gespeichert, nicht protokolliert und nicht weitergegeben. Keine Cookies.",
     .again = "Einen anderen Text prüfen",
     .languages_label = "Sprache",
     .found = "Wir haben unser Wasserzeichen gefunden.",
     .found_detail =
         "Die Wahrscheinlichkeit dafür liegt bei einem Text ohne unser Zeichen unter 1 zu {}.",
     .not_found = "Wir haben unser Wasserzeichen nicht gefunden.",
     .not_found_detail = "Das zeigt nicht, dass ein Mensch ihn geschrieben hat: Zeichen anderer "
                         "Systeme werden nicht geprüft, und Bearbeiten kann Zeichen entfernen.",
     .inconclusive = "Der Text ist zu kurz für eine Aussage.",
     .inconclusive_detail = "Er reicht für keine Antwort, weder in die eine noch in die andere "
                            "Richtung. Ein längerer Teil desselben Textes kann genügen.",
     .signals = "Wonach wir gesucht haben",
     .column_signal = "Signal",
     .column_result = "Ergebnis",
     .column_strength = "Stärke",
     .column_meaning = "Was das bedeutet",
     .text_mark = "Text-Wasserzeichen",
     .row_found = "Gefunden",
     .row_not_found = "Nicht gefunden",
     .row_inconclusive = "Keine Aussage",
     .very_strong = "Sehr stark",
     .strong = "Stark",
     .none = "Nicht genug",
     .unknown = "Zu wenig Text",
     .chance = "zufällig bei 1 von {} Texten",
     .chance_power = "zufällig bei 1 von 10<sup>{}</sup> Texten",
     .means_found = "Die Wörter hat ein System gewählt, das diesen Schlüssel hat.",
     .means_not_found = "Die Wörter folgen diesem Schlüssel nicht.",
     .means_inconclusive = "Keine Antwort; das ist weder ein Ja noch ein Nein.",
     .limits = "Was dieses Ergebnis nicht sagt",
     .limit_author = "Wer den Text angefordert oder veröffentlicht hat.",
     .limit_truth = "Ob stimmt, was im Text steht.",
     .limit_edited = "Ob jemand später Teile davon geändert hat.",
     .limit_person = "Dass ein Mensch ihn geschrieben hat.",
     .limit_removed = "Dass er nie ein Zeichen trug: Umschreiben, Übersetzen oder Kürzen kann es "
                      "entfernen.",
     .limit_others = "Etwas über andere Systeme: deren Zeichen werden nicht geprüft.",
     .receipt = "Signierte Quittung herunterladen",
     .receipt_hint =
         "Sie enthält Ergebnis, Zeit und einen Fingerabdruck (SHA-256) Ihres Textes, nicht "
         "den Text. Wir behalten keine Kopie.",
     .details = "Technische Einzelheiten",
     .detail_detector = "Detektor",
     .detail_profile = "Profil",
     .detail_key = "Schlüssel",
     .detail_tokens = "Tokens",
     .detail_tokens_value = "{} gelesen, {} gezählt",
     .detail_p_value = "p-Wert",
     .detail_threshold = "Schwelle",
     .detail_hash = "SHA-256 des Textes",
     .detail_time = "Zeit",
     .detail_tries = "Korrigiert für {} Detektoren",
     .local = "Darf der Text Ihr Haus nicht verlassen?",
     .local_text = "Derselbe Detektor läuft als Befehl auf Ihrem eigenen Rechner:",
     .api = "Für Programme",
     .api_text = "Dieselbe Antwort als JSON, beschrieben in",
     .problem = "Es gibt kein Ergebnis.",
     .problem_too_large = "Der Text ist länger als 256 KiB. Prüfen Sie einen Teil davon.",
     .problem_too_many = "Aus Ihrem Netz kamen zu viele Anfragen. Bitte versuchen Sie es in {} "
                         "Sekunden wieder. Die Grenze hält den Dienst für alle frei.",
     .problem_no_text =
         "Es war kein Text zu lesen. Fügen Sie einen Text ein oder wählen Sie eine Datei "
         "mit reinem Text in UTF-8; Bilder, PDF und Office-Dateien werden nicht geprüft.",
     .problem_other =
         "Der Dienst kann gerade nicht antworten. Bitte versuchen Sie es in einer Minute "
         "wieder."},
    {.language = "fr",
     .language_name = "Français",
     .thousands = ' ',
     .title = "Ce texte porte-t-il notre marque ?",
     .lead = "Les textes écrits par nos systèmes portent une marque invisible. Collez un texte ici "
             "pour savoir si elle y est.",
     .text_label = "Votre texte",
     .text_hint = "Plus il est long, mieux c’est : à partir de 200 mots environ, la réponse est "
                  "presque toujours nette.",
     .file_label = "Ou choisissez un fichier texte",
     .file_hint = "Texte brut en UTF-8, 256 Kio au plus.",
     .drop_hint = "Vous pouvez aussi déposer un fichier n’importe où sur cette page.",
     .submit = "Chercher la marque",
     .privacy = "Votre texte est examiné en mémoire, puis oublié. Il n’est ni conservé, ni "
                "journalisé, ni transmis. Aucun cookie.",
     .again = "Vérifier un autre texte",
     .languages_label = "Langue",
     .found = "Nous avons trouvé notre filigrane.",
     .found_detail =
         "La probabilité de ce résultat pour un texte sans notre marque est inférieure à 1 "
         "sur {}.",
     .not_found = "Nous n’avons pas trouvé notre filigrane.",
     .not_found_detail =
         "Cela ne montre pas qu’une personne l’a écrit : les marques d’autres "
         "systèmes ne sont pas vérifiées, et une modification peut effacer une marque.",
     .inconclusive = "Le texte est trop court pour conclure.",
     .inconclusive_detail = "Il ne suffit à aucune réponse, ni dans un sens ni dans l’autre. Un "
                            "passage plus long du même texte peut suffire.",
     .signals = "Ce que nous avons cherché",
     .column_signal = "Signal",
     .column_result = "Résultat",
     .column_strength = "Force",
     .column_meaning = "Ce que cela signifie",
     .text_mark = "Filigrane de texte",
     .row_found = "Trouvé",
     .row_not_found = "Non trouvé",
     .row_inconclusive = "Indécis",
     .very_strong = "Très forte",
     .strong = "Forte",
     .none = "Insuffisante",
     .unknown = "Trop peu de texte",
     .chance = "par hasard pour 1 texte sur {}",
     .chance_power = "par hasard pour 1 texte sur 10<sup>{}</sup>",
     .means_found = "Les mots ont été choisis par un système qui détient cette clé.",
     .means_not_found = "Les mots ne suivent pas cette clé.",
     .means_inconclusive = "Pas de réponse : ce n’est ni un oui ni un non.",
     .limits = "Ce que ce résultat ne dit pas",
     .limit_author = "Qui a demandé le texte, ou qui l’a publié.",
     .limit_truth = "Si ce que dit le texte est vrai.",
     .limit_edited = "Si quelqu’un en a modifié des parties ensuite.",
     .limit_person = "Qu’une personne l’a écrit.",
     .limit_removed = "Qu’il n’a jamais porté de marque : réécrire, traduire ou raccourcir peut "
                      "l’effacer.",
     .limit_others =
         "Quoi que ce soit sur d’autres systèmes : leurs marques ne sont pas vérifiées.",
     .receipt = "Télécharger le reçu signé",
     .receipt_hint =
         "Il contient le résultat, l’heure et une empreinte (SHA-256) de votre texte, pas "
         "le texte. Nous n’en gardons pas de copie.",
     .details = "Détails techniques",
     .detail_detector = "Détecteur",
     .detail_profile = "Profil",
     .detail_key = "Clé",
     .detail_tokens = "Jetons",
     .detail_tokens_value = "{} lus, {} comptés",
     .detail_p_value = "Valeur p",
     .detail_threshold = "Seuil",
     .detail_hash = "SHA-256 du texte",
     .detail_time = "Heure",
     .detail_tries = "Corrigé pour {} détecteurs",
     .local = "Le texte doit rester chez vous ?",
     .local_text = "Le même détecteur est une commande pour votre propre ordinateur :",
     .api = "Pour les programmes",
     .api_text = "La même réponse en JSON, décrite dans",
     .problem = "Il n’y a pas de résultat.",
     .problem_too_large = "Le texte dépasse 256 Kio. Vérifiez-en une partie.",
     .problem_too_many = "Trop de vérifications sont venues de votre réseau. Réessayez dans {} "
                         "secondes. Cette limite garde le service ouvert à tous.",
     .problem_no_text =
         "Aucun texte n’a pu être lu. Collez un texte ou choisissez un fichier de texte "
         "brut en UTF-8 ; images, PDF et documents bureautiques ne sont pas examinés.",
     .problem_other =
         "Le service ne peut pas répondre pour le moment. Réessayez dans une minute."}};

const Words* find(std::string_view language) {
  const auto* const found =
      std::find_if(std::begin(kWords), std::end(kWords),
                   [&](const Words& words) { return words.language == language; });
  return found == std::end(kWords) ? nullptr : found;
}

}  // namespace

std::span<const Words> all_words() { return kWords; }

const Words& words_for(std::string_view asked, std::string_view accept_language) {
  if (const Words* words = find(asked)) return *words;
  // Browsers list by preference; the weights only say so again.
  while (!accept_language.empty()) {
    const std::size_t end = std::min(accept_language.find(','), accept_language.size());
    std::string_view tag = accept_language.substr(0, end);
    accept_language.remove_prefix(std::min(end + 1, accept_language.size()));
    while (tag.starts_with(' ')) tag.remove_prefix(1);
    const std::size_t primary = tag.find_first_of("-;");
    if (const Words* words = find(tag.substr(0, primary))) return *words;
  }
  return kWords[0];
}

}  // namespace sigillo::server
