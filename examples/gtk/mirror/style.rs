//! Light or dark, as the desktop is.

use gtk::gio;
use gtk::prelude::*;

const SCHEMA: &str = "org.gnome.desktop.interface";
const KEY: &str = "color-scheme";

/// Follows the desktop's choice, where it has one, as long as what is returned lives. GTK itself
/// follows only the theme.
pub fn follow_desktop() -> Option<gio::Settings> {
    let schema = gio::SettingsSchemaSource::default()?.lookup(SCHEMA, true)?;
    if !schema.has_key(KEY) {
        return None;
    }
    let settings = gio::Settings::new(SCHEMA);
    apply(&settings);
    settings.connect_changed(Some(KEY), |settings, _| apply(settings));
    Some(settings)
}

fn apply(settings: &gio::Settings) {
    if let Some(gtk) = gtk::Settings::default() {
        let dark = settings.string(KEY) == "prefer-dark";
        gtk.set_gtk_application_prefer_dark_theme(dark);
    }
}
