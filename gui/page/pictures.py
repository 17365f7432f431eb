"""Pictures on the page: they are opened in other processes, one at a time. Knows nothing of a window."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from gui.page import files
from gui.page.page import Page, ShownImage
from gui.reading.errand import Errands
from gui.reading.messages import sentence
from pipeline.inference.results import Reading

SECONDS = 30.0  # that opening a picture may take


class Pictures:
    """Puts pictures on a page, of at most `side` screen pixels, and takes them away again; then it calls `replaced`.

    Messages for the user go to `tell`.
    """

    def __init__(self, page: Page, side: int, tell: Callable[[str], None], replaced: Callable[[], None]) -> None:
        self._page, self._side, self._tell, self._replaced = page, side, tell, replaced
        self._errands = Errands(tell)
        self._pasted: TemporaryDirectory[str] | None = None  # holds the files of pasted pictures, which undo brings back
        self._told = ""  # while the picture is read

    @property
    def busy(self) -> bool:
        """Whether a picture is being opened."""
        return self._errands.busy

    @property
    def can_leave(self) -> bool:
        """Whether there is a picture, or one is being opened."""
        return self._page.content.image is not None or self.busy

    def open(self, path: Path) -> None:
        """Show the picture in a file. What is wrong with it is told later."""
        self._show(path.name, files.shown_image, path)

    def paste(self) -> None:
        """Show the picture in the clipboard. What is wrong with it is told later."""
        self._pasted = self._pasted or TemporaryDirectory(prefix="digits-")
        self._show(files.PASTED, files.pasted_image, Path(self._pasted.name))

    def _show(self, name: str, opening: Callable[[Path, int], ShownImage], path: Path) -> None:
        self._errands.close()
        version = self._page.version

        def opened(image: ShownImage) -> None:
            if self._page.version != version:
                self._tell(sentence(f"{name} was not opened, for you have drawn meanwhile. Open it again."))
                return
            self._page.place(image)
            self._replaced()
            self._told = f"Reading {name} … Draw, or press Escape, to leave it."
            self._tell(self._told)

        late = sentence(f"{name} took too long to open. Make it smaller.")
        self._errands.send(opening, path, self._side, then=opened, seconds=SECONDS, late=late)
        self._tell(f"Opening {name} …")

    def leave(self) -> None:
        """Go back to what was drawn before the picture; one that is being opened is not opened."""
        if self.busy:
            self._errands.close()
            self._tell("The picture was not opened.")
        elif image := self._page.content.image:
            self._page.undo()
            is_only = self._page.content.image is None
            while self._page.content.image:
                self._page.undo()
            self._replaced()
            one, several = f"Closed {image.path.name}. Ctrl+Y brings it back.", "Closed the pictures. Ctrl+Y brings each back."
            self._tell(one if is_only else several)

    def tell_of(self, reading: Reading, status: str) -> None:
        """Tell why no digit was found in a picture; or, where `status` says that it is read, what can be done with it."""
        image = self._page.content.image
        if reading.blank:
            self._tell(sentence(reading.blank))
        elif image and status == self._told:
            self._tell(f"Opened {image.path.name}. Drawing replaces it, and Ctrl+Z brings it back.")

    def look(self) -> None:
        """Take in what has been opened. Never waits."""
        self._errands.look()

    def close(self) -> None:
        """Open no picture that is being opened, and delete those that were pasted."""
        self._errands.close()
        if self._pasted:
            self._pasted.cleanup()
