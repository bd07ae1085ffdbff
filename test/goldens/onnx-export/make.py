import torch, json, os, shutil, sys, numpy as np
from diffusers import UNet2DConditionModel, AutoencoderKL, DDIMScheduler, StableDiffusionPipeline
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
# Writes a model of the Stable Diffusion 1 layout with random weights and a vocabulary of 600 tokens, exports it with Optimum,
# and what PyTorch gives for it. Usage: make.py FOLDER; needs torch, diffusers, transformers, optimum-onnx, safetensors.
out=sys.argv[1]; work=out+'-work'; shutil.rmtree(work,ignore_errors=True); os.makedirs(work)
torch.manual_seed(3)
chars=sorted({c for c in 'abcdefghijklmnopqrstuvwxyz0123456789!?,.'})
vocab={}
for c in chars: vocab[c]=len(vocab); vocab[c+'</w>']=len(vocab)
merges=[('c','a'),('ca','t</w>'),('f','o'),('fo','x</w>')]
for a,b in merges: vocab[a+b]=len(vocab)
vocab['<|startoftext|>']=len(vocab); vocab['<|endoftext|>']=len(vocab)
os.makedirs(work+'/tok'); json.dump(vocab,open(work+'/tok/vocab.json','w'))
open(work+'/tok/merges.txt','w').write('#version: 0.2\n'+''.join(f'{a} {b}\n' for a,b in merges))
tok=CLIPTokenizer(work+'/tok/vocab.json',work+'/tok/merges.txt',model_max_length=77)
n=len(vocab)
text=CLIPTextModel(CLIPTextConfig(vocab_size=n,hidden_size=16,intermediate_size=32,num_hidden_layers=2,num_attention_heads=2,max_position_embeddings=77,bos_token_id=n-2,eos_token_id=n-1,pad_token_id=n-1))
unet=UNet2DConditionModel(in_channels=4,out_channels=4,sample_size=16,block_out_channels=(8,16),layers_per_block=1,norm_num_groups=4,attention_head_dim=2,cross_attention_dim=16,down_block_types=('CrossAttnDownBlock2D','DownBlock2D'),up_block_types=('UpBlock2D','CrossAttnUpBlock2D'))
vae=AutoencoderKL(block_out_channels=(4,8),norm_num_groups=4,layers_per_block=1,latent_channels=4,down_block_types=('DownEncoderBlock2D',)*2,up_block_types=('UpDecoderBlock2D',)*2,sample_size=32)
for m in (text,unet,vae):
    for p in m.parameters(): torch.nn.init.normal_(p,std=0.2)
    m.eval()
sch=DDIMScheduler(beta_start=0.00085,beta_end=0.012,beta_schedule='scaled_linear',clip_sample=False,set_alpha_to_one=False,steps_offset=1)
pipe=StableDiffusionPipeline(vae=vae,text_encoder=text,tokenizer=tok,unet=unet,scheduler=sch,safety_checker=None,feature_extractor=None,requires_safety_checker=False)
pipe.save_pretrained(work+'/model')
from optimum.exporters.onnx import main_export
main_export(work+'/model',output=out,task='text-to-image',do_validation=False)
with torch.no_grad():
    ids=torch.tensor([tok('a cat, fox',padding='max_length',max_length=77,truncation=True).input_ids])
    states=text(ids).last_hidden_state
    image=torch.rand(1,3,16,24)*2-1
    mean=vae.encode(image).latent_dist.mean
    sample=torch.randn(1,4,8,12)
    noise=unet(sample,torch.tensor(501.0),states).sample
    decoded=vae.decode(mean).sample
import onnx
path=out+'/text_encoder/model.onnx'
onnx.save(onnx.load(path),path,save_as_external_data=True,all_tensors_to_one_file=True,location='model.onnx_data',size_threshold=0)
from safetensors.torch import save_file
save_file({k:v.contiguous() for k,v in dict(ids=ids.int(),states=states,image=image,mean=mean,sample=sample,timestep=torch.tensor([501.0]),output=noise,decoded=decoded).items()},out+'/golden.safetensors')
