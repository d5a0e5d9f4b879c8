<resource schema="astrid">
  <meta name="title">What AstrID holds as well</meta>
  <meta name="creationDate">2026-01-01T00:00:00Z</meta>
  <meta name="description">Rows of the tests.</meta>
  <meta name="subject">surveys</meta>
  <meta name="creator">AstrID</meta>

  <table id="objects" onDisk="True" adql="True" mixin="//scs#q3cindex" primary="object_id">
    <column name="object_id" type="text" ucd="meta.id;meta.main" required="True" verbLevel="1"/>
    <column name="designation" type="unicode" ucd="meta.id"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main" verbLevel="1"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main" verbLevel="1"/>
    <column name="number_of_detections" type="integer" required="True"/>
    <column name="first_seen" type="timestamp"/>
    <column name="best_class" type="text"/>
  </table>

  <table id="detections" onDisk="True" adql="True" mixin="//scs#q3cindex" primary="detection_id">
    <column name="detection_id" type="text" ucd="meta.id;meta.main" required="True" verbLevel="1"/>
    <column name="ra" type="double precision" unit="deg" ucd="pos.eq.ra;meta.main" verbLevel="1"/>
    <column name="dec" type="double precision" unit="deg" ucd="pos.eq.dec;meta.main" verbLevel="1"/>
    <column name="object_id" type="text" ucd="meta.ref"/>
    <column name="observation_id" type="text" ucd="meta.ref"/>
    <column name="filter_band" type="text"/>
    <column name="confidence" type="double precision"/>
    <column name="detection_type" type="text"/>
    <column name="magnitude" type="double precision" unit="mag"/>
    <column name="magnitude_error" type="double precision" unit="mag"/>
    <column name="pixel_x" type="double precision" unit="pixel"/>
  </table>

  <table id="images" onDisk="True" adql="hidden" primary="obs_publisher_did">
    <mixin
      productType="dataproduct_type" productSubtype="dataproduct_subtype"
      calibLevel="calib_level" collectionName="obs_collection" obsId="obs_id"
      did="obs_publisher_did" accessURL="access_url" mime="access_format"
      size="access_estsize" targetName="target_name" ra="s_ra" dec="s_dec" fov="s_fov"
      coverage="outline" sResolution="s_resolution" sXel1="s_xel1" sXel2="s_xel2"
      sPixelScale="s_pixel_scale" tMin="t_min" tMax="t_max" expTime="t_exptime" tXel="t_xel"
      emMin="em_min" emMax="em_max" emXel="em_xel" polXel="pol_xel" oUCD="o_ucd"
      facilityName="facility_name" instrumentName="instrument_name" preview="NULL"
      createDIDIndex="False"
      >//obscore#publish</mixin>
    <column name="dataproduct_type" type="text"/>
    <column name="dataproduct_subtype" type="text"/>
    <column name="calib_level" type="smallint" required="True"/>
    <column name="obs_collection" type="text"/>
    <column name="obs_id" type="text"/>
    <column name="obs_publisher_did" type="text" required="True"/>
    <column name="access_url" type="text"/>
    <column name="access_format" type="text"/>
    <column name="access_estsize" type="bigint" required="True"/>
    <column name="target_name" type="text"/>
    <column name="s_ra" type="double precision"/>
    <column name="s_dec" type="double precision"/>
    <column name="s_fov" type="double precision"/>
    <column name="outline" type="spoly"/>
    <column name="s_resolution" type="double precision"/>
    <column name="s_xel1" type="bigint" required="True"/>
    <column name="s_xel2" type="bigint" required="True"/>
    <column name="s_pixel_scale" type="double precision"/>
    <column name="t_min" type="double precision"/>
    <column name="t_max" type="double precision"/>
    <column name="t_exptime" type="double precision"/>
    <column name="t_xel" type="bigint" required="True"/>
    <column name="em_min" type="double precision"/>
    <column name="em_max" type="double precision"/>
    <column name="em_xel" type="bigint" required="True"/>
    <column name="pol_xel" type="bigint" required="True"/>
    <column name="o_ucd" type="text"/>
    <column name="facility_name" type="text"/>
    <column name="instrument_name" type="text"/>
  </table>

  <data id="import_objects">
    <sources>objects.csv</sources>
    <csvGrammar enc="utf-8"/>
    <make table="objects"/>
  </data>
  <data id="import_detections">
    <sources>detections.csv</sources>
    <csvGrammar enc="utf-8"/>
    <make table="detections"/>
  </data>
  <data id="import_images">
    <sources>images.csv</sources>
    <csvGrammar enc="utf-8"/>
    <make table="images">
      <rowmaker idmaps="*">
        <map key="outline">pgsphere.SPoly.fromDALI([float(x) for x in @corners.split()])</map>
      </rowmaker>
    </make>
  </data>

  <service id="cone" allowed="scs.xml">
    <meta name="shortName">peer cone</meta>
    <publish render="scs.xml" sets="local"/>
    <meta>
      testQuery.ra: 150
      testQuery.dec: 2
      testQuery.sr: 1
    </meta>
    <scsCore queriedTable="objects">
      <FEED source="//scs#coreDescs"/>
    </scsCore>
  </service>
</resource>
