"""What a type checker is to find; each line with a mistake says so."""

from leyden import Trainer
from leyden.callbacks import EarlyStopping

Trainer(max_epoch=3)  # error: call-arg
Trainer(max_epochs="three")  # error: arg-type
Trainer(gradient_clip_val="much")  # error: arg-type
EarlyStopping(monitor="loss", patience="long")  # error: arg-type
print(Trainer().curent_epoch)  # error: attr-defined
