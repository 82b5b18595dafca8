from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):

    dependencies = [
        ('schedules', '0001_initial'),
        ('mirror', '0001_initial'),
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.RenameModel('BulkResume', 'Campaign'),
        migrations.RenameModel('BulkResumeItem', 'CampaignItem'),
        migrations.RemoveConstraint('campaignitem', 'schedules_one_item_per_view'),
        migrations.RenameField('campaignitem', 'resume', 'campaign'),
        migrations.AddConstraint(
            'campaignitem',
            models.UniqueConstraint(fields=('campaign', 'saved_query'), name='schedules_one_item_per_view'),
        ),
        migrations.AlterField(
            'campaign',
            'connection',
            models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaigns', to='accounts.connection'),
        ),
        migrations.AlterField(
            'campaignitem',
            'saved_query',
            models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='campaign_items', to='mirror.savedquery'),
        ),
    ]
