"""The story that `demo --check` plays: teachers and students of three courses at two LMSs, by HTTP alone.

table.py holds who does what and, written by hand, what the LMSs' gradebooks must hold in the end; browser.py
clicks as a browser does; people.py knows what students and teachers do; play.py tells the story.
"""
