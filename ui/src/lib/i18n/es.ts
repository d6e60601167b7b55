import { evidence } from "./es-evidence";
import { map } from "./es-map";
import { opinion } from "./es-opinion";
import { relay } from "./es-relay";
import { rescue } from "./es-rescue";
import { review } from "./es-review";
import { desk } from "./es-desk";
import { form } from "./es-form";
import { people } from "./es-people";
import { screens } from "./es-screens";

/** Spanish of Mexico: the first language. Each sentence says what happened, why, what to do and what was not lost.
 *  Keys `problem.*` are the codes of `domain::problem`; `rule.*` the rule ids of findings, with `.reason` where a
 *  rule can fail in several ways. */
const problems = {
  "problem.malformed_request":
    "La Coordinación no entendió lo que envió este programa ({detail}). Lo capturado sigue en este equipo; copia el diagnóstico y mándalo a Administración.",
  "problem.unauthenticated":
    "La sesión con la Coordinación terminó. Se renueva sola en el próximo envío; nada se perdió.",
  "problem.device_revoked":
    "La Coordinación no reconoce este equipo. Nada se perdió: pide un código nuevo y vuelve a intentar.",
  "problem.forbidden":
    "Tu perfil no incluye esta acción ({action}). Pide a Administración que lo revise; nada se perdió.",
  "problem.not_found":
    "Eso ya no existe en la Coordinación. Vuelve a la lista y ábrelo de nuevo; nada de este equipo se perdió.",
  "problem.method_not_allowed":
    "La Coordinación no acepta esa operación: su versión y la de este programa no coinciden. Pide a Administración que actualice este equipo; nada se perdió.",
  "problem.code_unknown":
    "El código «{code}» no existe. Revisa que esté escrito como en tu hoja, o pide uno nuevo a Administración; este equipo sigue como estaba.",
  "problem.code_used":
    "Este código ya se usó en otro equipo ({usedAt}). Pide un código nuevo a Administración, uno por equipo; éste sigue como estaba.",
  "problem.code_expired":
    "Este código venció ({expiredAt}). Pide uno nuevo a Administración; este equipo sigue como estaba.",
  "problem.gap":
    "A la Coordinación le faltan envíos anteriores de este equipo (tiene hasta el {last}). Se vuelven a mandar solos; nada se perdió.",
  "problem.kind_unknown":
    "La Coordinación todavía no conoce esta clase de envío ({opId}). Sigue guardado aquí y se reintenta solo; lo demás sigue.",
  "problem.conflict_unknown": "No hay un conflicto abierto del seguimiento {folio}. Nada cambió; actualiza la lista.",
  "problem.choice_waiting":
    "Ya hay una elección sobre {folio} guardada en este equipo, por enviar. Envía ahora y espera el resultado.",
  "problem.choice_outdated":
    "Lo vigente cambió mientras elegías sobre {folio}. Mira los valores nuevos y elige otra vez; no se guardó nada.",
  "problem.reason_needed":
    "Falta el motivo o el texto, o pasa de {limit} caracteres. Escríbelo o acórtalo; no se guardó nada.",
  "problem.device_forked":
    "Hay otra copia de este equipo enviando con la misma identidad (envío {clientSeq}). Lo capturado aquí se conserva: pide un código nuevo para este equipo.",
  "problem.op_id_reused":
    "La Coordinación ya tiene este envío con otro contenido ({opId}). Se apartó completo en este equipo y lo demás sigue; copia el diagnóstico y mándalo a Administración.",
  "problem.too_large":
    "Lo enviado pasa del límite de la Coordinación ({limitBytes}). Sigue guardado en este equipo; copia el diagnóstico y mándalo a Administración.",
  "problem.broken_compression":
    "Los datos llegaron dañados a la Coordinación. Siguen completos en este equipo; copia el diagnóstico si se repite.",
  "problem.body_damaged":
    "Lo que viajó entre este equipo y la Coordinación llegó dañado y no se usó. Todo sigue aquí y se reintenta solo; si se repite, avisa a quien cuida la red.",
  "problem.upgrade_required":
    "Este programa es anterior a lo que pide la Coordinación (mínimo {minimum}). Actualízalo para enviar; lo capturado espera aquí y no se pierde.",
  "problem.too_many_requests":
    "La Coordinación está recibiendo muchos envíos. El de este equipo se reintenta solo en {retryAfterSeconds} s; nada se perdió.",
  "problem.unavailable": "La Coordinación no pudo atender en este momento. No se registró nada; se reintenta solo.",
  "problem.fault":
    "Algo falló y quedó anotado con el número {reportId}. Lo capturado está guardado en este equipo; copia el diagnóstico y mándalo a Administración.",
  "problem.project_lost":
    "La Coordinación se restauró de un respaldo que todavía no tiene el proyecto {folio}. El seguimiento sigue en este equipo y se envía solo cuando lo carguen otra vez; avisa a Administración.",
  "problem.follow_up_lost":
    "La Coordinación se restauró de un respaldo y el seguimiento {folio} todavía no regresa. La elección sigue en este equipo y se envía sola cuando el equipo que lo capturó lo mande otra vez.",
  "problem.out_of_scope":
    "El proyecto {folio} está asignado a otra área. El seguimiento sigue en este equipo, apartado, y se envía solo si te lo asignan otra vez; si no, avisa a Coordinación.",
  "problem.project_unknown":
    "El proyecto {folio} no está en este equipo. Envía ahora para traer la lista al día y vuelve a intentar; nada se perdió.",
  "problem.process_ambiguous":
    "Este proyecto tiene varios procesos de contratación ({ocids}). Indica a cuál corresponde el seguimiento; no se guardó nada.",
  "problem.process_unknown":
    "El proceso {ocid} no es de este proyecto. Elige uno de los que aparecen en el expediente; lo escrito sigue aquí.",
  "problem.has_errors":
    "El seguimiento todavía tiene datos por corregir ({findings}). Sigue como borrador; revisa los campos marcados.",
  "problem.draft_unknown":
    "Este borrador ya no está en este equipo. Búscalo en Mi bandeja, también entre los descartados, que se conservan 30 días.",
  "problem.follow_up_file_invalid":
    "El archivo «{file}» no es un seguimiento: {detail}. Corrígelo y vuelve a intentar; no se cargó nada.",
  "problem.file_unreadable":
    "No se pudo leer «{file}» ({detail}). Revisa que exista y que puedas abrirlo; lo demás quedó adjunto.",
  "problem.evidence_not_readable":
    "«{file}» no es una fotografía ni un PDF que se pueda abrir. Se aceptan JPG, PNG, WebP y PDF; conviértelo y adjúntalo de nuevo. Lo demás quedó como estaba.",
  "problem.evidence_too_large":
    "«{file}» pesa {bytes} y el límite es {limitBytes}. Redúcelo y adjúntalo de nuevo; lo demás quedó como estaba.",
  "problem.evidence_type_unknown":
    "«{type}» no es un tipo de documento de la lista. Elige otro para «{file}»; lo demás quedó como estaba.",
  "problem.evidence_hash_mismatch":
    "Un archivo llegó incompleto a la Coordinación. Se envía otra vez solo; el original sigue en este equipo.",
  "problem.not_enrolled":
    "Este equipo todavía no está activado. Escribe el código que te dio Administración; lo guardado sigue aquí.",
  "problem.already_enrolled":
    "Este equipo ya está activado a nombre de {person}. No hace falta otro código; nada cambió.",
  "problem.passphrase_needed":
    "Los datos de este equipo están cerrados y completos. Escribe tu frase de acceso para abrirlos.",
  "problem.passphrase_wrong":
    "Esa no es la frase de acceso de este equipo. Revisa mayúsculas y espacios; los datos siguen a salvo.",
  "problem.passphrase_too_short":
    "La frase de acceso necesita al menos {minimum} caracteres. Agrega otra palabra; no se cambió nada.",
  "problem.recovery_mistyped":
    "El código de recuperación no está completo o tiene un carácter distinto. Cópialo otra vez de la hoja impresa: son ocho grupos de cuatro. Nada se perdió y este intento no cuenta.",
  "problem.recovery_wrong":
    "Ese código de recuperación no es el de este perfil, o después se hizo otro. Revisa la hoja más reciente y espera {retryAfterSeconds} s para intentar de nuevo; lo guardado sigue intacto.",
  "problem.recovery_wait":
    "Hubo códigos de recuperación equivocados. Espera {retryAfterSeconds} s y vuelve a intentar; lo guardado sigue intacto.",
  "problem.recovery_none":
    "Para este perfil no se hizo código de recuperación. Busca su frase, que es lo único que lo abre; lo guardado sigue en este equipo.",
  "problem.profile_unknown": "En este equipo no hay un perfil llamado «{name}». Revisa el nombre; nada se perdió.",
  "problem.profile_name_invalid":
    "El nombre de un perfil no puede ir en blanco ni pasar de {limit} caracteres. Escribe otro; no se hizo nada.",
  "problem.keyring_locked":
    "El llavero del sistema está cerrado y ahí se guarda la llave de tus datos. Desbloquéalo o escribe tu frase de acceso; nada se perdió.",
  "problem.store_in_use":
    "Otra ventana de Avance Abierto tiene abiertos los datos de este equipo. Ciérrala y vuelve a intentar; nada se perdió.",
  "problem.store_set_aside":
    "Los datos de este equipo no se pudieron leer y se apartaron completos en {path}. No se borró nada: avisa a Administración para recuperarlos.",
  "problem.disk_full":
    "El disco está lleno: quedan {freeBytes}. Lo ya guardado está a salvo; libera espacio y vuelve a intentar.",
  "problem.disk_failing":
    "El disco de este equipo no leyó o no guardó lo que se le pidió. Lo ya guardado sigue ahí; vuelve a intentar y, si se repite, avisa a Administración: el disco puede estar fallando.",
  "problem.folder_read_only":
    "No se puede escribir en {path}. Pide permiso de escritura en esa carpeta; lo ya guardado está a salvo.",
  "problem.server_unreachable":
    "No hay conexión con la Coordinación. Lo capturado está guardado en este equipo y se envía solo cuando vuelva la red.",
  "problem.server_not_ours":
    "En {server} respondió otra página, quizá la de acceso a la red Wi-Fi. Entra a esa red y vuelve a intentar; nada se perdió.",
  "problem.receipt_invalid":
    "El acuse recibido no corresponde a la llave de la Coordinación ({opId}). El seguimiento sigue aquí como no recibido; avisa a Administración.",
  "problem.history_broken":
    "La historia que llegó no continúa la de este equipo ({detail}). Lo tuyo sigue aquí, sin tocar. Avisa a Administración antes de seguir.",
  "rule.follow-up-unreadable":
    "La Coordinación no pudo leer este seguimiento. Actualiza el programa y captúralo otra vez; lo escrito sigue aquí.",
  "rule.follow-up-repeated": "Ya hay un seguimiento con este mismo identificador. Captúralo de nuevo.",
  "rule.project-unknown": "La Coordinación no tiene el proyecto «{value}». Revisa el folio.",
  "rule.project-outside-area": "El proyecto «{value}» es de otra área. Pide a la Coordinación que lo asigne a la tuya.",
  "rule.process-unknown": "El proceso «{value}» no es de este proyecto. Elige uno de su expediente.",
  "rule.choice-unreadable": "La Coordinación no pudo leer esta elección. Actualiza el programa y elige otra vez.",
  "rule.choice-unknown": "La Coordinación no tiene ese seguimiento. Actualiza la lista.",
  "rule.choice-not-allowed": "Elige la Coordinación; quien capturó el seguimiento sólo puede retirarlo.",
  "rule.choice-closed":
    "Ya no está en conflicto: alguien eligió antes o dejó de haber diferencia. Mira lo que quedó vigente.",
  "rule.choice-outdated":
    "El proceso cambió (ahora es la versión {version}). Mira los valores nuevos y elige otra vez.",
  "rule.conflict-kept": "Se eligió dejar lo vigente: {reason}",
  "rule.evidence-not-publishable": "El archivo no se puede convertir en una copia pública. Adjúntalo en otro formato.",
  "problem.no_progress":
    "Hay {waiting} seguimientos que no avanzan desde hace {seconds} s. Siguen guardados aquí; se reintentan solos.",
  "problem.server_address_invalid":
    "«{server}» no es una dirección. Escríbela con https:// y el nombre que te dio Administración; no se cambió nada.",
  "problem.command_invalid":
    "La ventana pidió algo que este programa no conoce ({name}). Cierra y abre Avance Abierto; lo capturado está guardado.",
  "problem.unknown":
    "Ocurrió «{code}». Lo capturado está guardado en este equipo; copia el diagnóstico y mándalo a Administración.",
} as const;

const rules = {
  "rule.unknown": "La regla «{rule}» no se cumple en {label}: {value}. Avisa a Administración.",

  "rule.percent-range": "{value} no está entre 0 y 100. Escribe el porcentaje, por ejemplo 35.",
  "rule.visit-date-needed": "Hay avance sin fecha de visita. Escribe el día en que se revisó la obra.",
  "rule.visit-in-future":
    "La visita ({value}) es posterior a hoy ({today}). Escribe el día en que ya se revisó la obra.",
  "rule.visit-too-old": "La visita ({value}) es anterior a 1990. Revisa el año.",
  "rule.nothing-captured": "No hay nada que informar todavía. Escribe un avance, un hito, un contrato o un pago.",
  "rule.reserved-field": "«{field}» lo escribe sólo la Coordinación. Quítalo del archivo.",
  "rule.contract-ambiguous": "El proyecto tiene varios contratos ({known}). Indica a cuál corresponde el avance.",
  "rule.contract-unknown": "El contrato «{value}» no está en el expediente ({known}). Revisa el número.",
  "rule.correction-unknown":
    "El seguimiento «{value}» que se quiere corregir no está en el expediente. Revisa el folio.",

  "rule.field-required": "Falta {label}. Escribe el dato.",
  "rule.percent-format": "«{value}» no se lee como porcentaje. Escribe un número, por ejemplo 35 o 35.5.",
  "rule.number-format": "«{value}» no se lee como cantidad. Escribe un número, por ejemplo 12.5.",
  "rule.amount-format": "«{value}» no se lee como monto. Escribe, por ejemplo, 1,234.56.",
  "rule.amount-negative": "El monto {value} es menor que cero. Escribe la cantidad sin signo.",
  "rule.date-format": "«{value}» no es una fecha del calendario. Escribe día/mes/año, 12/3, hoy o ayer.",
  "rule.code-unknown": "«{value}» no es una opción de la lista. Elige una de las que aparecen.",
  "rule.rfc-format":
    "El RFC «{value}» tiene {length} caracteres o no sigue el formato esperado (12 de empresa, 13 de persona física). Revísalo; si no lo tienes, déjalo en blanco.",
  "rule.text-too-long": "El texto tiene {length} caracteres y el límite es {limit}. Acórtalo.",
  "rule.contract-needed":
    "Este dato pertenece a un contrato y el proyecto no tiene uno solo activo. Llena la parte «Contrato» con su número.",

  "rule.schema-enum": "{label}: «{value}» no es uno de los valores permitidos ({expected}). Elige uno de ellos.",
  "rule.schema-format": "{label}: «{value}» no tiene el formato que pide el estándar ({expected}). Corrígelo.",
  "rule.schema-min-items": "{label} necesita al menos {expected} elementos. Agrega los que faltan.",
  "rule.schema-min-length": "{label} está vacío. Escribe el dato o quítalo.",
  "rule.schema-min-properties": "{label} está vacío. Escribe al menos un dato o quítalo.",
  "rule.schema-one-of": "{label} no sigue ninguna de las formas que admite el estándar. Avisa a Administración.",
  "rule.schema-other": "{label} no cumple la estructura del estándar. Avisa a Administración.",
  "rule.schema-pattern": "{label}: «{value}» no sigue el patrón esperado ({expected}). Corrígelo.",
  "rule.schema-required": "Falta «{field}», que el estándar pide. Escribe el dato.",
  "rule.schema-type": "{label}: «{value}» no es del tipo que pide el estándar ({expected}). Corrígelo.",
  "rule.schema-unique-items": "{label} tiene elementos repetidos. Deja uno de cada uno.",

  "rule.json": "El archivo no es un JSON que todos los programas lean igual. Avisa a Administración.",
  "rule.ocid-prefix":
    "El identificador del proceso «{value}» no lleva el prefijo del municipio ({expected}). Avisa a Administración.",
  "rule.ocid-prefix.malformed":
    "«{value}» no tiene forma de identificador de proceso (ocds-xxxxxx-…). Avisa a Administración.",
  "rule.ocid-prefix.other-prefix":
    "«{value}» lleva el prefijo de otra institución; el del municipio es {expected}. Avisa a Administración.",
  "rule.ocid-prefix.changed":
    "El identificador del proceso cambió de {expected} a {value}; debe quedarse igual. Avisa a Administración.",
  "rule.release-id-unique": "La versión «{value}» ya existe en el historial del proceso. Avisa a Administración.",
  "rule.release-id-unique.repeated":
    "La versión «{value}» ya existe en el historial del proceso. Avisa a Administración.",
  "rule.release-id-unique.unusable":
    "«{value}» no sirve como identificador de una versión publicada. Avisa a Administración.",
  "rule.release-date-increasing":
    "La fecha de la versión ({value}) no es posterior a la anterior ({expected}). Avisa a Administración.",
  "rule.release-date-increasing.not-utc":
    "La fecha de la versión ({value}) no está en tiempo universal. Avisa a Administración.",
  "rule.release-date-increasing.not-after":
    "La fecha de la versión ({value}) no es posterior a la anterior ({expected}). Avisa a Administración.",
  "rule.release-date-increasing.future": "La fecha de la versión ({value}) está en el futuro. Avisa a Administración.",
  "rule.tag-matches-sections":
    "La etiqueta «{value}» no corresponde a lo que contiene la versión ({expected}). Avisa a Administración.",
  "rule.tag-matches-sections.no-section":
    "La etiqueta «{value}» anuncia una sección que no viene; corresponde {expected}. Avisa a Administración.",
  "rule.tag-matches-sections.needs-earlier":
    "La etiqueta «{value}» supone una versión anterior que no existe; corresponde {expected}. Avisa a Administración.",
  "rule.tag-matches-sections.already-there":
    "La etiqueta «{value}» es de una primera versión y ya hay otra; corresponde {expected}. Avisa a Administración.",
  "rule.tag-matches-sections.no-amendment":
    "La etiqueta «{value}» pide un convenio modificatorio que no viene. Avisa a Administración.",
  "rule.tag-matches-sections.no-status": "La etiqueta «{value}» pide un estatus que no viene. Avisa a Administración.",
  "rule.tag-matches-sections.not-for-releases":
    "La etiqueta «{value}» no se usa en una versión publicada. Avisa a Administración.",
  "rule.tag-matches-sections.missing":
    "Falta la etiqueta «{value}» de una sección que sí viene. Avisa a Administración.",
  "rule.party-resolves": "La organización «{value}» no corresponde a una de las partes del proceso. Revisa su nombre.",
  "rule.party-resolves.no-id": "{label}: la organización no tiene identificador. Escribe su nombre o su RFC.",
  "rule.party-resolves.unknown": "La organización «{value}» no está entre las partes del proceso. Revisa su nombre.",
  "rule.party-resolves.repeated": "La organización «{value}» está repetida entre las partes. Deja una sola.",
  "rule.party-resolves.other-name":
    "La organización se llama «{value}» aquí y «{expected}» entre las partes. Usa un solo nombre.",
  "rule.party-resolves.no-role":
    "La organización «{value}» participa aquí y no tiene el papel «{expected}». Avisa a Administración.",
  "rule.party-resolves.unused-role":
    "La organización «{value}» tiene el papel «{expected}» y no aparece en esa sección. Avisa a Administración.",
  "rule.award-resolves":
    "El contrato nombra la adjudicación «{value}», que no está en el proceso. Captura primero la adjudicación o revisa su número.",
  "rule.award-resolves.unknown":
    "El contrato nombra la adjudicación «{value}», que no está en el proceso. Captura primero la adjudicación o revisa su número.",
  "rule.award-resolves.inactive":
    "El contrato nombra la adjudicación «{value}», cuyo estatus es «{status}». Revisa el estatus.",
  "rule.award-resolves.tender-open":
    "Hay una adjudicación «{value}» con el procedimiento todavía abierto («{status}»). Revisa el estatus.",
  "rule.closed-codelist": "«{value}» no es un código de la lista «{codelist}». ¿Es «{expected}»? Revísalo.",
  "rule.ids": "{label}: el identificador «{value}» no sirve. Escribe otro.",
  "rule.ids.not-text": "{label}: el identificador {value} debe escribirse como texto. Avisa a Administración.",
  "rule.ids.missing": "{label}: falta el identificador de un elemento. Escribe el dato.",
  "rule.ids.repeated": "El identificador «{value}» ya se usó en esta lista. Escribe otro.",
  "rule.ids.varies": "El identificador «{value}» ya existe escrito «{expected}». Escríbelo igual.",
  "rule.no-placeholder": "{label}: «{value}» ocupa el lugar de un dato. Escríbelo o déjalo en blanco.",
  "rule.no-placeholder.null": "{label} quita un dato que nunca existió. Déjalo fuera.",
  "rule.no-placeholder.empty": "{label} está vacío. Escribe el dato o déjalo fuera.",
  "rule.no-placeholder.filler": "{label}: «{value}» no dice nada. Escribe el dato o deja el campo en blanco.",
  "rule.dates": "{label}: la fecha {value} no es posible. Revisa la fecha.",
  "rule.dates.year": "{label}: la fecha {value} está fuera de 1990–2049. Revisa el año.",
  "rule.dates.end-before-start": "El final ({value}) es anterior al inicio ({expected}). Revisa las fechas.",
  "rule.dates.not-met":
    "El hito tiene fecha de cumplimiento ({value}) y su estado es «{status}». Cambia el estado o quita la fecha.",
  "rule.dates.after-release":
    "{label}: la fecha {value} es posterior al momento del envío ({expected}) y habla de algo ya ocurrido. Revisa la fecha.",
  "rule.dates.not-reviewed": "El dato cambió y su fecha de revisión ({value}) no avanzó. Actualízala.",
  "rule.amounts": "{label}: el monto {value} no es posible. Revisa el monto.",
  "rule.amounts.negative": "{label}: {value} es menor que cero. Escribe la cantidad sin signo.",
  "rule.amounts.no-currency": "{label}: el monto {value} no dice en qué moneda está. Avisa a Administración.",
  "rule.amounts.too-large": "{label}: {value} es demasiado grande para ser un monto. Revisa los ceros.",
  "rule.amounts.min-above-value": "El monto mínimo ({value}) es mayor que el monto ({expected}). Revisa ambos.",
  "rule.amounts.overpaid":
    "Los pagos suman {value} y el contrato es de {expected}. Revisa el pago o registra el convenio modificatorio.",
  "rule.amounts.percent-range": "{label}: {value} no está entre 0 y 100. Escribe el porcentaje, por ejemplo 35.",
  "rule.amounts.progress-falls":
    "El avance ({value} %) es menor que el del seguimiento anterior ({expected} %). Si es correcto, escribe por qué en «Motivo, si el avance bajó».",
  "rule.amounts.progress-disagrees":
    "El avance financiero ({value} %) no coincide con lo pagado entre el monto del contrato ({expected} %). Revisa cuál falta actualizar.",
  "rule.documents": "El documento no está completo. Revísalo.",
  "rule.documents.no-title": "Falta el título del documento. Escribe el dato.",
  "rule.documents.no-url": "Falta la dirección del documento. Avisa a Administración.",
  "rule.documents.bad-url":
    "La dirección «{value}» del documento no se puede abrir desde internet. Avisa a Administración.",
  "rule.documents.bad-format":
    "El formato «{value}» del documento no es un tipo de archivo conocido. Avisa a Administración.",
  "rule.documents.misplaced": "Un documento de tipo «{value}» no va en esta sección. Elige otro tipo.",
  "rule.declared-fields":
    "«{field}» no es un campo del estándar ni de las extensiones declaradas ({within}). Quítalo o pide a Administración que lo agregue.",
  "rule.package": "El paquete publicado no está completo. Avisa a Administración.",
  "rule.package.not-a-package": "El archivo no es un paquete de versiones ni de historiales. Avisa a Administración.",
  "rule.package.missing": "Al paquete le falta «{field}». Avisa a Administración.",
  "rule.package.version": "El paquete dice versión «{value}» y corresponde «{expected}». Avisa a Administración.",
  "rule.package.undeclared-extension":
    "El paquete usa la extensión {expected} y no la declara. Avisa a Administración.",
  "rule.package.mixed": "El historial de {expected} contiene una versión de {value}. Avisa a Administración.",
  "rule.package.order":
    "Las versiones no van de la más antigua a la más nueva ({value} después de {expected}). Avisa a Administración.",
  "rule.package.stale": "El historial compilado no es la suma de sus versiones ({field}). Avisa a Administración.",
  "rule.package.unmergeable": "Las versiones del historial no se pueden sumar ({field}). Avisa a Administración.",
  "rule.package.future": "La fecha de publicación ({value}) está en el futuro. Avisa a Administración.",
  "rule.no-personal-data": "{label} contiene un dato personal. Quítalo de aquí; las notas internas no se publican.",
  "rule.no-personal-data.curp": "{label} contiene una CURP. Quítala; si hace falta, escríbela en las notas internas.",
  "rule.no-personal-data.rfc": "{label} contiene el RFC de una persona física. Quítalo; no se puede publicar.",
  "rule.no-personal-data.clabe": "{label} contiene una CLABE bancaria. Quítala; no se puede publicar.",
  "rule.no-personal-data.email":
    "{label} contiene un correo electrónico. Quítalo; si hace falta, escríbelo en las notas internas.",
  "rule.no-personal-data.telephone":
    "{label} contiene un teléfono. Quítalo; si hace falta, escríbelo en las notas internas.",
  "rule.open-codelist": "«{value}» no está en la lista «{codelist}». Puede usarse; revisa que no sea un error de dedo.",
  "rule.deprecated-field": "«{field}» ya no se usa en el estándar. Avisa a Administración.",
  "rule.profile-required": "Al expediente le falta «{field}», que este municipio publica. Captúralo.",
  "rule.timeline": "{label}: la fecha {value} no va con las demás del proceso ({expected}). Revisa las fechas.",
  "rule.timeline.before-tender-end":
    "{label}: {value} es anterior al cierre de la licitación ({expected}). Revisa las fechas.",
  "rule.timeline.before-award":
    "La firma del contrato ({value}) es anterior a su adjudicación ({expected}). Revisa las fechas.",
  "rule.timeline.before-signature":
    "Hay un pago ({value}) anterior a la firma del contrato ({expected}). Revisa las fechas.",
  "rule.timeline.before-amended":
    "La modificación ({value}) es anterior a lo que modifica ({expected}). Revisa las fechas.",
  "rule.timeline.modified-before-published":
    "El documento se modificó ({value}) antes de publicarse ({expected}). Revisa las fechas.",
  "rule.status-coherence": "{label} no va con el estatus «{status}». Revisa el estatus.",
  "rule.status-coherence.tender-incomplete":
    "Hay una adjudicación o un contrato y la licitación está en estatus «{status}». Revisa el estatus.",
  "rule.status-coherence.direct-tenderers":
    "La contratación es directa y dice tener {value} licitantes. Revisa el número.",
  "rule.status-coherence.unsigned-payments":
    "Hay pagos de un contrato en estatus «{status}», que no está firmado. Revisa el estatus.",
  "rule.counts": "{label}: dice {value} y son {expected}. Revisa cuál es.",
  "rule.counts.tenderers": "Dice que hubo {value} licitantes y la lista tiene {expected}. Revisa cuál es.",
  "rule.counts.duration": "El periodo dice durar {value} días y entre sus fechas hay {expected}. Revisa cuál es.",
  "rule.commensurate": "{label}: el importe {value} no va con {expected}. Revisa los ceros.",
  "rule.commensurate.budget": "La licitación es de {value} y el presupuesto, de {expected}. Revisa los ceros.",
  "rule.commensurate.award": "Los contratos suman {value} y se adjudicaron {expected}. Revisa los ceros.",
  "rule.commensurate.unrealistic":
    "{label}: {value} {currency} es más de lo que vale cualquier contrato. Revisa los ceros.",
  "rule.text": "{label} no tiene la forma esperada. Revísalo.",
  "rule.text.long-description":
    "La descripción del documento tiene {value} caracteres; se recomiendan {expected} a lo más. Acórtala.",
  "rule.text.language": "«{value}» no es una clave de idioma. Español es «es»; inglés, «en». Revísala.",
  "rule.text.identifier-scheme": "«{value}» no tiene la forma de la clave de un registro, como MX-RFC. Revísala.",
  "rule.text.email": "El correo de contacto no tiene la forma usuario@dominio. Revísalo.",
  "rule.text.telephone": "{label} no tiene los dígitos de un teléfono (de 7 a 15). Revísalo.",
} as const;

export const es = {
  ...problems,
  ...rules,
  ...screens,
  ...desk,
  ...form,
  ...evidence,
  ...map,
  ...opinion,
  ...relay,
  ...rescue,
  ...people,
  ...review,
} as const;
