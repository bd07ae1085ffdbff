import torch, collections, os, sys
torch.manual_seed(5)
base=torch.randn(40)
sd=collections.OrderedDict()
sd['a.weight']=torch.randn(3,4)
sd['a.half']=torch.randn(2,5).half()
sd['a.brain']=torch.randn(7).bfloat16()
sd['view']=base[8:20].view(3,4)
sd['other_view']=base[20:24]
sd['parameter']=torch.nn.Parameter(torch.randn(2,2))
sd['ids']=torch.arange(6).view(1,6)
sd['double']=torch.randn(2).double()
sd['scalar']=torch.tensor(2.5)
top={'epoch':3,'global_step':10**12,'state_dict':sd,'lr':1e-4,'flag':True,'none':None,'list':[1,2.5,'x'],'optimizer_states':[{'m':torch.zeros(2)}]}
out=sys.argv[1]; os.makedirs(out,exist_ok=True)
torch.save(top,out+'/zip.ckpt')
torch.save(top,out+'/legacy.ckpt',_use_new_zipfile_serialization=False)
torch.save(sd,out+'/plain.pt',pickle_protocol=4)
torch.save({'f8':torch.randn(4).to(torch.float8_e4m3fn),'f8b':torch.randn(4).to(torch.float8_e5m2)},out+'/fp8.pt')
torch.save({'turned':torch.randn(3,4).t()},out+'/turned.pt')
class Evil:
    def __reduce__(self): return (os.system,('echo owned > /tmp/owned',))
torch.save({'state_dict':{'w':torch.zeros(1)},'x':Evil()},out+'/evil.ckpt')
import json
json.dump({k:[float(x) for x in v.detach().float().flatten()] for k,v in sd.items()},open(out+'/values.json','w'))
