//! Why the window does not open, said in a native dialog: there is no page yet that could say it.

use std::path::Path;

use domain::problem::{Code, Problem};

/// The sentence for a store that cannot be opened: what happened, what was not lost, what to do.
pub fn explain(problem: &Problem, data: &Path) -> String {
    let folder = data.display();
    match problem.code {
        Code::StoreInUse => format!(
            "Avance Abierto ya está abierto con esta carpeta:\n{folder}\n\nUsa la ventana que ya está abierta. Si no la ves, \
             espera un minuto y vuelve a abrir el programa."
        ),
        Code::FolderReadOnly => format!(
            "No se puede escribir en la carpeta de datos:\n{folder}\n\nNada se perdió. Pide a quien administra este equipo \
             permiso de escritura en esa carpeta, o que abra el programa con otra."
        ),
        Code::DiskFull => format!(
            "El disco está lleno y la carpeta de datos no se puede abrir:\n{folder}\n\nLo capturado sigue ahí. Libera \
             espacio y vuelve a abrir el programa."
        ),
        Code::StoreSetAside => {
            let aside = problem.params.get("path").and_then(|path| path.as_str()).unwrap_or_default();
            format!(
                "El archivo de datos no se pudo leer y se apartó completo, sin borrar nada:\n{aside}\n\nVuelve a abrir el \
                 programa para empezar con uno nuevo y entrega el archivo apartado a quien administra este equipo."
            )
        }
        other => format!(
            "No se pudo abrir la carpeta de datos:\n{folder}\n\nNada se borró. Cierra el programa y vuelve a abrirlo; si \
             sigue igual, entrega a quien administra este equipo el archivo avance.log de esa carpeta y este motivo: {}.",
            other.as_str()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_sentence_that_names_a_place() {
        for code in Code::ALL {
            let text = explain(&Problem::new(*code).with("path", "/datos/apartado"), Path::new("/datos"));
            assert!(text.contains("/datos"), "{text}");
            assert!(!text.contains('!') && !text.contains('¡'), "{text}");
        }
    }
}
