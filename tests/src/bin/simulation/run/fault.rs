//! What is done to the programs: the kinds of faults, each with a line that becomes its row in `docs/reliability.md`.

macro_rules! faults {
    ($($name:ident $where:ident $meaning:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($name,)* }

        impl Fault {
            /// Every kind.
            pub const ALL: &'static [Fault] = &[$(Fault::$name),*];

            /// Where it happens.
            pub fn place(self) -> Place { match self { $(Fault::$name => Place::$where),* } }

            /// What it means, in Spanish, for the table.
            pub fn meaning(self) -> &'static str { match self { $(Fault::$name => $meaning),* } }
        }
    };
}

/// Where a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To one exchange between a device and a node.
    Exchange,
    /// To the central side, at any time.
    Central,
    /// To a device, at any time.
    Device,
}

faults! {
    RequestLost Exchange "La petición no llega";
    ReplyLost Exchange "La respuesta se pierde después de confirmar";
    RequestTwice Exchange "La misma petición llega dos veces, a dos nodos";
    RequestLate Central "Una petición vieja llega otra vez, mucho después";
    RequestCut Exchange "La petición llega cortada";
    ReplyCut Exchange "La respuesta llega cortada";
    RequestDamaged Exchange "Un bit de la petición cambia en el camino";
    ReplyDamaged Exchange "Un bit de la respuesta cambia en el camino";
    HalfOpen Exchange "El servidor confirma y la conexión se queda muda";
    Impostor Exchange "Contesta otro: página de acceso con 200, redirección o respuesta vacía";
    BadGateway Exchange "Un intermediario contesta 502, 503 o 504; la petición pudo haber llegado";
    TooMany Exchange "429 con Retry-After";
    TooLarge Exchange "Un intermediario contesta 413";
    OldAnswer Exchange "Llega la respuesta de una petición anterior";
    NodeRefuses Exchange "Un nodo rechaza conexiones por un rato";
    Partition Exchange "Un equipo deja de alcanzar a un nodo";
    CrashBefore Exchange "Un nodo muere justo antes de confirmar";
    CrashAfter Exchange "Un nodo muere justo después de confirmar";
    Serialization Exchange "La base responde ocupada o con falla de serialización";
    CentralFull Exchange "Disco lleno en el servidor al confirmar";
    CentralFailing Exchange "El disco del servidor dice que falló, y sí había guardado";
    OldEndpoint Exchange "El servidor es de una versión anterior a la del equipo (426)";
    WorkerDead Central "El trabajo de fondo no corre por mucho tiempo";
    WorkerCrash Central "El trabajo de fondo muere a media decisión";
    CentralClock Central "El reloj de un nodo salta, hasta dos días";
    Restored Central "El servidor se restaura de un respaldo: época nueva";
    TokensForgotten Central "El servidor olvida las sesiones";
    ProjectMoved Central "Un proyecto pasa a otra área con envíos en curso";
    Revoked Central "Un equipo se revoca con envíos en curso y se da de alta otra vez";
    KillCycle Device "El equipo se apaga a medio envío o entre dos páginas";
    KillWriting Device "El equipo se apaga entre recibir la respuesta y guardarla";
    KillCapture Device "El equipo se apaga al guardar una captura";
    DeviceDisk Device "Disco lleno o con fallas en el equipo";
    DeviceClock Device "El reloj del equipo salta, hasta un año";
    Clone Device "La carpeta del equipo se copia y ambas copias trabajan";
    OldCopy Device "Se pone en el equipo una copia vieja de su carpeta";
}

/// How many there are.
pub const COUNT: usize = 36;

const _: () = assert!(Fault::ALL.len() == COUNT);
